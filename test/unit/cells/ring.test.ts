import { describe, expect, test } from 'vitest'
import { createRing, RingReader, RingWriter, ringDropped } from '../../../src/cells/ring.ts'
import { seededRandom } from '../../../src/lib/random.ts'

const CAPACITY = 1_048_576

function drained(reader: RingReader): string {
  let text = ''
  for (let bytes = reader.peek(); bytes.length > 0; bytes = reader.peek()) {
    text += Buffer.from(bytes).toString('latin1')
    reader.consume(bytes.length)
  }
  return text
}

describe('log ring', () => {
  test('lines come out whole and in order, many times around', () => {
    const ring = createRing()
    const writer = new RingWriter(ring)
    const reader = new RingReader(ring)
    const random = seededRandom(5)
    let written = ''
    for (let i = 0; i < 20_000; i++) {
      const line = `${i}:${'x'.repeat(random.uint32() % 500)}\n`
      expect(writer.write(line)).toBe(true)
      written += line
      if (random.uint32() % 50 === 0) {
        expect(drained(reader)).toBe(written)
        written = ''
      }
    }
    expect(drained(reader)).toBe(written)
    expect(ringDropped(ring)).toBe(0)
  })

  test('full: whole lines are dropped and counted, and it goes on once there is room', () => {
    const ring = createRing()
    const writer = new RingWriter(ring)
    const reader = new RingReader(ring)
    const line = `${'x'.repeat(1023)}\n`
    for (let i = 0; i < CAPACITY / 1024; i++) expect(writer.write(line)).toBe(true)
    expect(writer.write('y\n')).toBe(false)
    expect(writer.write('y\n')).toBe(false)
    expect(ringDropped(ring)).toBe(2)
    reader.consume(1024)
    expect(writer.write(line)).toBe(true)
    expect(writer.write('y\n')).toBe(false)
    expect(drained(reader)).toBe(line.repeat(CAPACITY / 1024))
  })

  test('a line longer than the ring is dropped', () => {
    const ring = createRing()
    expect(new RingWriter(ring).write('x'.repeat(CAPACITY + 1))).toBe(false)
    expect(drained(new RingReader(ring))).toBe('')
  })

  test('positions survive 2^31 and 2^32', () => {
    const ring = createRing()
    const words = new Int32Array(ring)
    const reader = new RingReader(ring)
    for (const start of [2_147_483_647 - 3, -5]) {
      words[0] = start
      words[16] = start
      const writer = new RingWriter(ring)
      for (let i = 0; i < 10; i++) {
        expect(writer.write('four\n')).toBe(true)
        expect(drained(reader)).toBe('four\n')
      }
    }
  })

  test('a writer that died in the middle of a line leaves nothing of it to the next one', () => {
    const ring = createRing()
    new RingWriter(ring).write('whole\n')
    // What a line that is being written looks like: bytes beyond the published head.
    Buffer.from(ring as unknown as ArrayBuffer, 256 + 6, 4).write('half')
    expect(new RingWriter(ring).write('next\n')).toBe(true)
    expect(drained(new RingReader(ring))).toBe('whole\nnext\n')
  })
})
