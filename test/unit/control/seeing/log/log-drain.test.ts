import { describe, expect, test } from 'vitest'
import { createRing, RingWriter, ringDropped } from '../../../../../src/cells/ring.ts'
import { LogDrain } from '../../../../../src/control/seeing/log/log-drain.ts'

function fail(code: string): never {
  throw Object.assign(new Error(code), { code })
}

/** An output that does what the script says, then takes everything. */
class Output {
  text = ''
  readonly script: (number | string)[]

  constructor(...script: (number | string)[]) {
    this.script = script
  }

  readonly write = (bytes: Uint8Array): number => {
    const step = this.script.shift() ?? bytes.length
    if (typeof step === 'string') fail(step)
    this.text += Buffer.from(bytes.subarray(0, step)).toString()
    return Math.min(step, bytes.length)
  }
}

function rings(...lines: string[][]): SharedArrayBuffer[] {
  return lines.map((list) => {
    const ring = createRing()
    const writer = new RingWriter(ring)
    for (const line of list) writer.write(line)
    return ring
  })
}

describe('draining rings', () => {
  test('all rings in one round', () => {
    const output = new Output()
    const drain = new LogDrain(rings(['a1\n', 'a2\n'], [], ['c1\n']), output.write)
    expect(drain.round()).toBe(true)
    expect(output.text).toBe('a1\na2\nc1\n')
    expect(drain.round()).toBe(true)
    expect(output.text).toBe('a1\na2\nc1\n')
  })

  test('a write that took a part goes on where it stopped, no other ring between', () => {
    const output = new Output(1, 'EAGAIN', 1, 'EAGAIN', 'EINTR')
    const drain = new LogDrain(rings(['first\n'], ['second\n']), output.write)
    expect(drain.round()).toBe(false)
    expect(drain.round()).toBe(false)
    expect(output.text).toBe('fi')
    expect(drain.round()).toBe(true)
    expect(output.text).toBe('first\nsecond\n')
  })

  test('an output that takes nothing is full', () => {
    const output = new Output(0)
    const drain = new LogDrain(rings(['a\n']), output.write)
    expect(drain.round()).toBe(false)
    expect(drain.round()).toBe(true)
    expect(output.text).toBe('a\n')
  })

  test('an output that is gone loses lines, each counted, and the rings stay empty', () => {
    const made = rings(['a\n', 'b\n'], ['c\n'])
    const gone = new LogDrain(made, () => fail('EPIPE'))
    expect(gone.round()).toBe(true)
    expect(made.map(ringDropped)).toEqual([2, 1])
    new RingWriter(made[1] as SharedArrayBuffer).write('d\n')
    expect(gone.round()).toBe(true)
    expect(made.map(ringDropped)).toEqual([2, 2])
  })

  test('a line that was cut short by an error is ended before the next one', () => {
    const made = rings(['broken\n', 'lost\n'], ['whole\n'])
    const output = new Output(3, 'ENOSPC')
    const drain = new LogDrain(made, output.write)
    expect(drain.round()).toBe(true)
    expect(output.text).toBe('bro\nwhole\n')
    expect(made.map(ringDropped)).toEqual([2, 0])
  })

  test('still so when the next ones are lost as well', () => {
    const made = rings(['broken\n'], ['lost\n'])
    const output = new Output(3, 'ENOSPC', 'ENOSPC')
    const drain = new LogDrain(made, output.write)
    drain.round()
    new RingWriter(made[0] as SharedArrayBuffer).write('whole\n')
    drain.round()
    expect(output.text).toBe('bro\nwhole\n')
    expect(made.map(ringDropped)).toEqual([1, 1])
  })

  test('what is abandoned is counted', () => {
    const made = rings(['a\n', 'b\n'])
    const drain = new LogDrain(made, () => fail('EAGAIN'))
    expect(drain.round()).toBe(false)
    drain.abandon()
    expect(made.map(ringDropped)).toEqual([2])
  })
})
