import { describe, expect, test } from 'vitest'
import type { Policy } from '../../../../src/core/policy.ts'
import { AnswerBuffer } from '../../../../src/data/engine/answer-buffer.ts'
import { ByteBudget } from '../../../../src/data/engine/byte-budget.ts'
import { MemoryDownstream } from '../../../../src/data/ingress/memory.ts'
import { bulkhead } from '../../../../src/features/bulkhead/feature.ts'
import { TestCells } from '../../../kit/cells.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { EngineKit, type EngineSetUp } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'
import { CompiledUse } from '../../../kit/feature.ts'

const KIB = 1024
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

class Rig {
  readonly kit: EngineKit

  constructor(setUp: EngineSetUp = {}) {
    this.kit = new EngineKit({ buffering: {}, retries: { maxExtra: 0 }, ...setUp })
  }

  /** A client that reads nothing behind the first byte. */
  reader(headers: readonly string[] = []): MemoryDownstream {
    const client = new MemoryDownstream({
      method: 'GET',
      target: '/',
      host: 'a.test',
      headers: [],
      peer: PEER,
      contentLength: 0,
    })
    this.kit.engine.handle(client)
    const { events } = this.kit.running
    this.kit.running.connect()
    events.onHead(200, headers)
    client.block()
    events.onData(Buffer.from('a'))
    return client
  }

  sends(bytes: number, fill = 'x'): void {
    this.kit.running.events.onData(Buffer.alloc(bytes, fill))
  }

  get held(): number {
    return this.kit.engine.answers.held
  }
}

describe('of an answer that a client does not read', () => {
  test('up to 256 KiB are kept, then the upstream waits until half of it is read', () => {
    const rig = new Rig()
    const client = rig.reader()
    const upstream = rig.kit.running
    for (let i = 0; i < 7; i++) rig.sends(32 * KIB, String(i))
    expect([upstream.paused, rig.held]).toEqual([false, 224 * KIB])
    rig.sends(32 * KIB, '7')
    expect([upstream.paused, rig.held]).toEqual([true, 256 * KIB])
    expect(rig.kit.metrics.counts.get('sluice_buffer_pauses_total a')).toBe(1)
    // Blocked again at once: each time it takes one piece.
    const write = client.write.bind(client)
    const reads = (): void => client.unblock()
    client.write = (chunk) => {
      client.block()
      return write(chunk)
    }
    for (let i = 0; i < 3; i++) reads()
    expect([upstream.paused, rig.held]).toEqual([true, 160 * KIB])
    reads()
    expect([upstream.paused, rig.held]).toEqual([false, 128 * KIB])
    for (let i = 0; i < 4; i++) reads()
    expect(rig.held).toBe(0)
    expect(client.answer.toString()).toBe(
      `a${[0, 1, 2, 3, 4, 5, 6, 7].map((i) => String(i).repeat(32 * KIB)).join('')}`,
    )
  })

  test('which is here as a whole, connection and permit are free, and the client has the rest when it reads', async () => {
    const clock = new ManualClock()
    const testCells = new TestCells()
    const { policy } = new CompiledUse(bulkhead, { maxConcurrent: 1 }, { clock, testCells })
    const rig = new Rig({ clock, policies: [policy], connections: { max: 1, maxWaiting: 0 } })
    const client = rig.reader()
    rig.sends(100 * KIB)
    rig.kit.running.finish()
    expect([client.state, rig.kit.heldByAttempts, rig.kit.inFlight]).toEqual(['open', 0, 1])
    const other = rig.kit.send()
    rig.kit.running.answer(200)
    await settled()
    expect(other.reply?.status).toBe(200)
    expect(rig.kit.transport.connections).toHaveLength(1)
    client.unblock()
    await settled()
    expect([client.state, client.answer.length, rig.held]).toEqual(['sent', 100 * KIB + 1, 0])
    expect(rig.kit.finished.map(({ failure }) => failure)).toEqual([undefined, undefined])
  })

  test('trailers come behind it', async () => {
    const rig = new Rig()
    const client = rig.reader()
    rig.sends(10)
    rig.kit.running.events.onTrailers(['x-sum', '11'])
    rig.kit.running.finish()
    expect(client.state).toBe('open')
    client.unblock()
    await settled()
    expect([client.state, client.answerTrailers]).toEqual(['sent', ['x-sum', '11']])
  })

  test.each([
    ['an event stream', ['content-type', 'text/event-stream'], {}],
    ['an upstream that wants it so', ['X-Accel-Buffering', 'No'], {}],
    ['a route without buffering', [], { buffering: { response: 'off' } }],
  ])('of %s nothing is kept', (_what, headers, setUp) => {
    const rig = new Rig(setUp)
    const client = rig.reader(headers)
    expect([rig.kit.running.paused, rig.held]).toEqual([true, 0])
    expect(rig.kit.metrics.counts.get('sluice_buffer_pauses_total a')).toBe(undefined)
    client.unblock()
    expect(rig.kit.running.paused).toBe(false)
  })

  test('no more than the worker keeps: then upstreams wait at once', () => {
    const rig = new Rig()
    rig.kit.engine.answers.held = 64 * KIB * KIB
    rig.reader()
    expect(rig.kit.running.paused).toBe(true)
  })

  test.each(['the client leaves', 'the upstream breaks', 'the drain ends it', 'the client is too slow'])(
    'nothing stays when %s',
    (how) => {
      const rig = new Rig({ timeouts: { idle: 1_000 } })
      const client = rig.reader()
      rig.sends(100 * KIB)
      expect(rig.held).toBeGreaterThan(0)
      if (how === 'the client leaves') client.leave()
      else if (how === 'the upstream breaks') rig.kit.running.fail({ reason: 'upstream_reset', responseStarted: true })
      else if (how === 'the drain ends it')
        rig.kit.engine.cut({ reason: 'draining', phase: 'body', origin: 'operator' })
      else {
        rig.kit.running.finish()
        rig.kit.clock.advance(1_010)
        expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'request_timeout', origin: 'client' })
      }
      expect([rig.held, rig.kit.engine.running, rig.kit.heldByAttempts]).toEqual([0, 0, 0])
    },
  )

  test.each(['push', 'end'])('nothing stays when a stage throws in %s, whatever the others have to say', (call) => {
    const told: string[] = []
    const stage = (name: string, parts: readonly Buffer[], throws: string): Policy => ({
      name,
      responseBody: () => ({
        changesLength: true,
        push: (chunk) => {
          if (throws === 'push' && String(chunk) === 'b') throw new Error('a bug')
          return chunk.length === 10 ? [chunk, Buffer.from('b'), ...parts] : chunk
        },
        end: () => {
          told.push(`${name} ends`)
          if (throws === 'end') throw new Error('a bug')
          return Buffer.alloc(100, 'x')
        },
      }),
      upstreamDone: () => void told.push(`${name} done`),
      settle: () => void told.push(`${name} settles`),
    })
    // The last of them sees the answer first.
    const policies = [stage('outer', [], call === 'push' ? 'push' : ''), stage('inner', [Buffer.alloc(KIB)], call)]
    const rig = new Rig({ policies })
    const client = rig.reader()
    rig.sends(9)
    expect(rig.held).toBeGreaterThan(0)
    if (call === 'push') rig.sends(10)
    else rig.kit.running.finish()
    expect([client.state, rig.held, rig.kit.engine.running, rig.kit.heldByAttempts]).toEqual(['broken', 0, 0, 0])
    expect(told).toEqual([...(call === 'end' ? ['inner ends'] : []), 'inner settles', 'outer settles'])
    expect(rig.kit.bugs).toEqual([new Error('a bug')])
  })

  test('a silence is the upstream’s as long as nothing is kept for the client', () => {
    const rig = new Rig({ timeouts: { idle: 1_000 } })
    rig.reader()
    rig.kit.clock.advance(1_010)
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'idle_timeout', origin: 'upstream' })
    expect(rig.held).toBe(0)
  })
})

describe('a client that reads nothing while its upstream goes on, a little at a time,', () => {
  test.each([false, true])('is silent: timeouts.idle ends it (stages: %s)', (stages) => {
    const policies = stages ? [PASSES] : []
    const rig = new Rig({ policies, timeouts: { idle: 1_000 } })
    const client = rig.reader()
    for (let i = 0; i < 3; i++) {
      rig.kit.clock.advance(300)
      rig.sends(10)
    }
    expect(client.state).toBe('open')
    rig.kit.clock.advance(200)
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'request_timeout', phase: 'body', origin: 'client' })
    expect([client.state, rig.held, rig.kit.heldByAttempts]).toEqual(['broken', 0, 0])
  })

  test('goes on when it reads', () => {
    const rig = new Rig({ timeouts: { idle: 1_000 } })
    const client = rig.reader()
    for (let i = 0; i < 5; i++) {
      rig.kit.clock.advance(700)
      rig.sends(10)
      client.unblock()
      client.block()
      rig.sends(10)
    }
    expect([client.state, client.answer.length]).toEqual(['open', 101])
  })

  test('stalls: it is ended for a request that waits for its connection', () => {
    const rig = new Rig({
      connections: { max: 1, maxWaiting: 1 },
      timeouts: { minRate: { bytes: 1024, window: 600_000 }, request: undefined, idle: undefined },
    })
    const client = rig.reader()
    for (let i = 0; i < 7; i++) {
      rig.kit.clock.advance(1_000)
      rig.sends(10)
    }
    rig.kit.send()
    expect([client.state, rig.held]).toEqual(['broken', 0])
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'stalled_client', origin: 'client' })
    expect(rig.kit.transport.connections).toHaveLength(2)
  })

  test('is not to blame where the upstream breaks, which did not wait for it', () => {
    const rig = new Rig({ timeouts: { minRate: { bytes: 1024, window: 600_000 }, idle: undefined } })
    rig.reader()
    for (let i = 0; i < 7; i++) {
      rig.kit.clock.advance(1_000)
      rig.sends(10)
    }
    rig.kit.running.fail({ reason: 'upstream_reset', responseStarted: true })
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'response_incomplete', origin: 'upstream' })
  })

  test('is no reason to end one that reads, and whose stage holds back what comes', () => {
    const gathers: Policy = {
      name: 'gathers',
      responseBody: () => ({ changesLength: true, push: () => undefined, end: () => Buffer.from('all') }),
    }
    const rig = new Rig({ policies: [gathers], timeouts: { idle: 1_000 } })
    const sent = rig.kit.send()
    rig.kit.running.connect()
    rig.kit.running.events.onHead(200, [])
    for (let i = 0; i < 5; i++) {
      rig.kit.clock.advance(700)
      rig.sends(10)
    }
    rig.kit.running.finish()
    expect(sent.reply?.status).toBe(200)
  })
})

const PASSES: Policy = {
  name: 'passes',
  responseBody: () => ({ changesLength: false, push: (chunk) => chunk, end: () => undefined }),
}

describe('the buffer', () => {
  test('keeps large parts where they are, and copies what would keep a mostly empty buffer alive', () => {
    const budget = new ByteBudget()
    const buffer = new AnswerBuffer(budget)
    const read = Buffer.allocUnsafeSlow(64 * KIB).fill('x')
    buffer.add(read.subarray(0, 40 * KIB))
    expect([buffer.keeps, budget.held]).toEqual([true, 64 * KIB])
    buffer.add(read.subarray(0, 20 * KIB))
    expect([buffer.keeps, budget.held]).toEqual([false, 84 * KIB])
    for (let i = 0; i < 10; i++) buffer.add(read.subarray(0, 10))
    expect([buffer.keeps, budget.held]).toEqual([false, 88 * KIB])
    read.fill('y', 40 * KIB)
    const parts: Buffer[] = []
    for (let part = buffer.take(); part !== undefined; part = buffer.take()) parts.push(part)
    expect(Buffer.concat(parts).toString()).toBe('x'.repeat(60 * KIB + 100))
    expect([budget.held, buffer.isEmpty]).toEqual([0, true])
  })

  test('what is added while it empties keeps its order', () => {
    const budget = new ByteBudget()
    const buffer = new AnswerBuffer(budget)
    let got = ''
    for (let i = 0; i < 200; i++) {
      buffer.add(Buffer.from(String(i % 10).repeat(1 + ((i * 37) % 3_000))))
      if (i % 3 === 0) got += buffer.take()
    }
    for (let part = buffer.take(); part !== undefined; part = buffer.take()) got += part
    let wanted = ''
    for (let i = 0; i < 200; i++) wanted += String(i % 10).repeat(1 + ((i * 37) % 3_000))
    expect(got).toBe(wanted)
    expect(budget.held).toBe(0)
  })
})
