import { describe, expect, test } from 'vitest'
import type { Downstream } from '../../../../src/core/downstream.ts'
import { ByteBudget } from '../../../../src/data/engine/byte-budget.ts'
import { REPLAY_BYTES, RequestBody } from '../../../../src/data/engine/replay.ts'
import type { Ticket } from '../../../../src/data/upstreams/pool.ts'
import { ManualClock } from '../../../kit/clock.ts'

/** Only what a body asks of its source. */
class Source {
  readonly contentLength: number
  readonly calls: string[] = []

  constructor(contentLength: number) {
    this.contentLength = contentLength
  }

  startBody = (): void => void this.calls.push('start')
  pauseBody = (): void => void this.calls.push('pause')
  resumeBody = (): void => void this.calls.push('resume')
  discardBody = (): void => void this.calls.push('discard')
}

class Sink {
  got = ''
  ended = false
  room = true
  write = (chunk: Buffer): boolean => {
    this.got += chunk.toString()
    return this.room
  }
  end = (): void => {
    this.ended = true
  }
}

function setUp(length = -1): {
  source: Source
  clock: ManualClock
  body: RequestBody
  moving: boolean[]
  budget: ByteBudget
  feed: (sink: Sink) => void
} {
  const source = new Source(length)
  const moving: boolean[] = []
  const budget = new ByteBudget()
  const clock = new ManualClock()
  const watcher = { clock, onBodyMoving: (is: boolean) => void moving.push(is) }
  const body = new RequestBody(source as unknown as Downstream, budget, watcher)
  return { source, clock, body, moving, budget, feed: (sink) => body.feed(sink as unknown as Ticket) }
}

describe('a request body on its way up', () => {
  test('is asked for once a connection wants it, passed on and ended; the clocks stand still meanwhile', () => {
    const { source, body, moving, feed } = setUp()
    const sink = new Sink()
    expect(source.calls).toEqual([])
    feed(sink)
    expect(source.calls).toEqual(['start'])
    body.onChunk(Buffer.from('a'))
    body.onChunk(Buffer.from('b'))
    expect(sink.ended).toBe(false)
    body.onEnd([])
    expect(sink).toMatchObject({ got: 'ab', ended: true })
    expect(body.delivered).toBe(true)
    expect(moving).toEqual([true, false])
  })

  test('a second attempt gets everything from the first byte, then what is still to come', () => {
    const { body, feed } = setUp()
    const [first, second] = [new Sink(), new Sink()]
    feed(first)
    body.onChunk(Buffer.from('one'))
    body.detach()
    body.onChunk(Buffer.from('two'))
    feed(second)
    expect(second.got).toBe('onetwo')
    body.onChunk(Buffer.from('three'))
    body.onEnd([])
    expect(first.got).toBe('one')
    expect(second).toMatchObject({ got: 'onetwothree', ended: true })
  })

  test('a whole body can be repeated after it was delivered', () => {
    const { body, feed } = setUp(3)
    feed(new Sink())
    body.onChunk(Buffer.from('abc'))
    body.onEnd([])
    body.detach()
    expect(body.repeatable).toBe(true)
    const second = new Sink()
    feed(second)
    expect(second).toMatchObject({ got: 'abc', ended: true })
  })

  test('beyond 64 KiB it is not repeatable and nothing is kept', () => {
    const { body, budget, feed } = setUp()
    const sink = new Sink()
    feed(sink)
    body.onChunk(Buffer.alloc(REPLAY_BYTES))
    expect(body.repeatable).toBe(true)
    expect(budget.held).toBe(REPLAY_BYTES)
    body.onChunk(Buffer.from('x'))
    expect(body.repeatable).toBe(false)
    expect(budget.held).toBe(0)
    body.onEnd([])
    expect(sink.got.length).toBe(REPLAY_BYTES + 1)
    expect(sink.ended).toBe(true)
  })

  test.each([REPLAY_BYTES + 1, -1])(
    'of length %i it is repeatable until an attempt was given what is not kept',
    (length) => {
      const { body, feed } = setUp(length)
      body.gather({ enough: () => body.mayBegin, done: () => {}, stop: () => {} })
      body.onChunk(Buffer.alloc(REPLAY_BYTES, 'x'))
      // It was on its way when the client was told to wait.
      body.onChunk(Buffer.from('y'))
      expect(body.repeatable).toBe(true)
      const full = Object.assign(new Sink(), { room: false })
      feed(full)
      expect([full.got.length, body.repeatable]).toEqual([REPLAY_BYTES, true])
      body.detach()
      body.onChunk(Buffer.from('z'))
      const sink = new Sink()
      feed(sink)
      body.onEnd([])
      expect([sink.got, sink.ended]).toEqual([`${'x'.repeat(REPLAY_BYTES)}yz`, true])
      expect(body.repeatable).toBe(false)
    },
  )

  test('of an announced length above the bound nothing is kept: repeatable until its first part', () => {
    const { body, budget, feed } = setUp(REPLAY_BYTES + 1)
    feed(new Sink())
    expect(body.repeatable).toBe(true)
    body.onChunk(Buffer.from('x'))
    expect([body.repeatable, budget.held]).toEqual([false, 0])
  })

  test('what comes between two attempts, and is too much, takes nothing from the second one', () => {
    const { body, feed } = setUp()
    feed(new Sink())
    body.onChunk(Buffer.alloc(REPLAY_BYTES, 'x'))
    body.detach()
    body.onChunk(Buffer.from('y'))
    expect(body.repeatable).toBe(true)
    const second = new Sink()
    feed(second)
    expect(second.got).toBe(`${'x'.repeat(REPLAY_BYTES)}y`)
    expect(body.repeatable).toBe(false)
  })

  test('the bound of the worker makes bodies unrepeatable instead of growing', () => {
    const { body, budget, feed } = setUp()
    budget.held = 64 * 1024 * 1024
    feed(new Sink())
    body.onChunk(Buffer.from('x'))
    expect(body.repeatable).toBe(false)
  })

  test('a full upstream pauses the client, and drain resumes it; order is kept', () => {
    const { source, clock, body, feed } = setUp()
    const sink = new Sink()
    feed(sink)
    sink.room = false
    body.onChunk(Buffer.from('1'))
    expect(source.calls).toEqual(['start', 'pause'])
    expect(body.waitsForClient).toBe(false)
    clock.advance(40)
    expect([body.takeBlockedMs(), body.takeBlockedMs()]).toEqual([40, 0])
    clock.advance(5)
    body.onChunk(Buffer.from('2'))
    expect(sink.got).toBe('1')
    sink.room = true
    body.onDrain()
    clock.advance(10)
    expect(body.takeBlockedMs()).toBe(5)
    expect(sink.got).toBe('12')
    expect(source.calls).toEqual(['start', 'pause', 'resume'])
  })

  test('is overdue while the client alone has kept its attempt waiting for most of its time; a further one begins anew', () => {
    const { clock, body, feed } = setUp()
    const sink = new Sink()
    feed(sink)
    clock.advance(199)
    expect(body.overdue).toBe(false)
    clock.advance(1)
    expect(body.overdue).toBe(true)
    body.onChunk(Buffer.from('1'))
    feed(new Sink())
    clock.advance(150)
    expect(body.overdue).toBe(false)
    sink.room = false
    feed(sink)
    clock.advance(1_000)
    // It was the attempt that did not take more.
    expect(body.overdue).toBe(false)
    sink.room = true
    body.onDrain()
    clock.advance(999)
    expect(body.overdue).toBe(false)
    clock.advance(1)
    expect(body.overdue).toBe(true)
    body.onEnd([])
    expect(body.overdue).toBe(false)
  })

  test('backpressure holds for unkept bodies too', () => {
    const { body, feed } = setUp(10_000_000)
    const sink = new Sink()
    feed(sink)
    sink.room = false
    body.onChunk(Buffer.from('1'))
    body.onChunk(Buffer.from('2'))
    body.onEnd([])
    expect(sink).toMatchObject({ got: '1', ended: false })
    sink.room = true
    body.onDrain()
    expect(sink).toMatchObject({ got: '12', ended: true })
  })

  test('what nobody wants is discarded once and gives its bytes back', () => {
    const { source, body, budget, feed } = setUp()
    feed(new Sink())
    body.onChunk(Buffer.from('abc'))
    body.discard()
    body.discard()
    body.onChunk(Buffer.from('late'))
    expect(source.calls.filter((call) => call === 'discard')).toEqual(['discard'])
    expect(budget.held).toBe(0)
  })
})

describe('a request body that is taken in before an attempt', () => {
  function gather(length = -1) {
    const rig = setUp(length)
    let gathered = 0
    rig.body.gatherAll(() => gathered++)
    return { ...rig, gathered: () => gathered }
  }

  test('is asked for at once, and at hand when it is whole; then an attempt gets all of it', () => {
    const { source, body, feed, gathered, moving } = gather()
    expect([source.calls, body.atHand, body.waitsForClient]).toEqual([['start'], 'unread', true])
    body.onChunk(Buffer.from('a'))
    body.onChunk(Buffer.from('b'))
    expect([gathered(), body.atHand]).toEqual([0, 'unread'])
    body.onEnd([])
    expect([gathered(), body.atHand, body.repeatable]).toEqual([1, 'whole', true])
    expect(moving).toEqual([true, false])
    const sink = new Sink()
    feed(sink)
    expect(sink).toMatchObject({ got: 'ab', ended: true })
    expect(source.calls).toEqual(['start'])
  })

  test.each([REPLAY_BYTES + 1, -1])(
    'of length %i is begun with more than is kept, and waits for an attempt then',
    (length) => {
      const { source, body, feed, gathered } = gather(length)
      body.onChunk(Buffer.alloc(REPLAY_BYTES))
      expect([gathered(), body.atHand]).toEqual([0, 'unread'])
      body.onChunk(Buffer.alloc(1))
      expect([gathered(), body.atHand]).toEqual([1, 'begun'])
      expect(source.calls).toEqual(['start', 'pause'])
      const sink = new Sink()
      feed(sink)
      expect(sink.got.length).toBe(REPLAY_BYTES + 1)
      expect(source.calls).toEqual(['start', 'pause', 'resume'])
    },
  )

  test('is begun at once where the worker keeps no more', () => {
    const { body, budget, gathered } = gather()
    budget.held = 64 * 1024 * 1024
    body.onChunk(Buffer.from('x'))
    expect([gathered(), body.atHand]).toEqual([1, 'begun'])
  })

  test('is let go when nobody waits for it any more', () => {
    const { body, gathered, moving } = gather()
    body.detach()
    body.onChunk(Buffer.from('x'))
    body.onEnd([])
    expect([gathered(), moving]).toEqual([0, [true, false]])
  })
})
