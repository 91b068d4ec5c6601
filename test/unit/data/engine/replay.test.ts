import { describe, expect, test } from 'vitest'
import type { Downstream } from '../../../../src/core/downstream.ts'
import { REPLAY_BYTES, ReplayBudget, RequestBody } from '../../../../src/data/engine/replay.ts'
import type { Ticket } from '../../../../src/data/upstreams/pool.ts'

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
  body: RequestBody
  moving: boolean[]
  budget: ReplayBudget
  feed: (sink: Sink) => void
} {
  const source = new Source(length)
  const moving: boolean[] = []
  const budget = new ReplayBudget()
  const body = new RequestBody(source as unknown as Downstream, budget, { onBodyMoving: (is) => void moving.push(is) })
  return { source, body, moving, budget, feed: (sink) => body.feed(sink as unknown as Ticket) }
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

  test('a second try gets everything from the first byte, then what is still to come', () => {
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

  test('an announced length above the bound is repeatable only until it was asked for', () => {
    const { body, feed } = setUp(REPLAY_BYTES + 1)
    expect(body.repeatable).toBe(true)
    feed(new Sink())
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
    const { source, body, feed } = setUp()
    const sink = new Sink()
    feed(sink)
    sink.room = false
    body.onChunk(Buffer.from('1'))
    expect(source.calls).toEqual(['start', 'pause'])
    expect(body.waitsForUpstream).toBe(true)
    body.onChunk(Buffer.from('2'))
    expect(sink.got).toBe('1')
    sink.room = true
    body.onDrain()
    expect(sink.got).toBe('12')
    expect(source.calls).toEqual(['start', 'pause', 'resume'])
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
