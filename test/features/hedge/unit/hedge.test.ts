import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../../../src/core/exchange.ts'
import { EngineKit, type EngineSetUp } from '../../../kit/engine.ts'
import type { ScriptedConnection } from '../../../kit/scripted-transport.ts'

function hedged(more: EngineSetUp = {}): EngineKit {
  return new EngineKit({
    upstreams: { a: 3 },
    hedge: { delay: 50 },
    retries: { backoff: { base: 0, cap: 0 } },
    ...more,
  })
}

/** The attempts under way, oldest first. */
function busy(kit: EngineKit): ScriptedConnection[] {
  return kit.transport.connections.filter((connection) => connection.busy)
}

/** Sends one request and lets the first attempt be too slow. */
function slow(kit: EngineKit): [ScriptedConnection, ScriptedConnection] {
  kit.send()
  busy(kit)[0]?.connect()
  kit.clock.advance(60)
  const [first, second] = busy(kit) as [ScriptedConnection, ScriptedConnection]
  second.connect()
  return [first, second]
}

const verdicts = (kit: EngineKit): string[] =>
  kit.attempts.map(({ head, number }) => `${number} ${head?.outcome}${head?.ignored ? ' ignored' : ''}`)

describe('a hedge', () => {
  test('starts at another endpoint after the delay; its answer wins and the first attempt is ended', () => {
    const kit = hedged()
    const [first, second] = slow(kit)
    expect(first.target.address === second.target.address && first === second).toBe(false)
    second.answer(200, [], 'second')
    expect(kit.finished[0]).toMatchObject({ attempts: 2, response: { status: 200 } })
    expect(kit.finished[0]?.attempt?.number).toBe(2)
    expect(first.aborted).toBe(true)
    expect(verdicts(kit)).toEqual(['2 ok', '1 timeout ignored'])
    expect(kit.inFlight).toBe(0)
  })

  test('the first attempt may still win', () => {
    const kit = hedged()
    const [first, second] = slow(kit)
    first.answer(200)
    expect(second.aborted).toBe(true)
    expect(kit.finished[0]?.attempt?.number).toBe(1)
    expect(kit.finished[0]?.response?.status).toBe(200)
  })

  test('opens no second handshake where the protocol is to change', () => {
    const asks = {
      name: 'asks',
      admit: (ex: Exchange) => {
        ex.upgrade = 'websocket'
        return undefined
      },
    }
    for (const policies of [[asks], []]) {
      const kit = hedged({ policies })
      kit.send()
      busy(kit)[0]?.connect()
      kit.clock.advance(1_000)
      expect(kit.transport.connections.length).toBe(policies.length === 1 ? 1 : 2)
    }
  })

  test('does not start when the answer is there in time', () => {
    const kit = hedged()
    kit.send()
    kit.running.connect()
    kit.clock.advance(40)
    kit.running.answer(200)
    kit.clock.advance(1_100)
    expect(kit.attempts).toHaveLength(1)
    expect(kit.clock.timers).toBe(0)
  })

  test('one of the two fails: the other goes on', () => {
    for (const bad of [0, 1] as const) {
      const kit = hedged()
      const both = slow(kit)
      both[bad].fail({ reason: 'upstream_reset' })
      expect(kit.finished).toHaveLength(0)
      both[1 - bad]?.answer(200)
      expect(kit.finished[0]?.response?.status).toBe(200)
      expect(kit.finished[0]?.attempt?.number).toBe(2 - bad)
    }
  })

  test('a retryable status of one of the two is dropped, of the last one relayed', () => {
    const kit = hedged()
    const [first, second] = slow(kit)
    second.answer(503)
    expect(kit.finished).toHaveLength(0)
    first.answer(503)
    expect(kit.finished[0]?.response?.status).toBe(503)
    expect(kit.finished[0]?.attempt?.number).toBe(1)
  })

  test('both fail: a further attempt follows if one is left', () => {
    const kit = hedged({ retries: { maxExtra: 2, backoff: { base: 0, cap: 0 } } })
    const [first, second] = slow(kit)
    first.fail({ reason: 'upstream_reset' })
    second.fail({ reason: 'upstream_reset' })
    kit.clock.advance(20)
    kit.running.connect()
    kit.running.answer(200)
    expect(kit.finished[0]).toMatchObject({ attempts: 3, response: { status: 200 } })
  })

  test.each<[string, EngineSetUp, string, string | undefined]>([
    ['methods that must not be repeated', {}, 'POST', undefined],
    ['requests with a body', {}, 'PUT', 'body'],
    ['routes without further attempts', { retries: { maxExtra: 0 } }, 'GET', undefined],
    ['an upstream with one endpoint', { upstreams: { a: 1 } }, 'GET', undefined],
    [
      'an upstream without retry budget',
      { atUpstreams: { retryBudget: { percent: 0, interval: 10_000, minRetryRate: { count: 0, interval: 1000 } } } },
      'GET',
      undefined,
    ],
  ])('not for %s', (_what, setUp, method, body) => {
    const kit = hedged(setUp)
    kit.send(method, '/', [], body)
    kit.running.connect()
    kit.clock.advance(200)
    expect(busy(kit)).toHaveLength(1)
  })

  test('the client leaves: both are ended', () => {
    const kit = hedged()
    const sent = kit.send()
    busy(kit)[0]?.connect()
    kit.clock.advance(60)
    const both = busy(kit)
    expect(both).toHaveLength(2)
    sent.downstream.reset()
    expect(both.every((connection) => connection.aborted)).toBe(true)
    expect(verdicts(kit)).toEqual(['1 timeout ignored', '2 timeout ignored'])
    expect(kit.inFlight).toBe(0)
  })

  test('the deadline ends both', () => {
    const kit = hedged({ timeouts: { request: 1_000 } })
    const both = slow(kit)
    kit.clock.advance(1_100)
    expect(kit.finished[0]?.failure?.reason).toBe('deadline_exceeded')
    expect(both.every((connection) => connection.aborted)).toBe(true)
    kit.clock.advance(2_000)
    expect(kit.clock.timers).toBe(0)
  })

  test('without a delay it is the observed p95, once that is known', () => {
    const kit = hedged({ hedge: { delay: undefined } })
    kit.send()
    kit.running.connect()
    kit.clock.advance(1_000)
    expect(busy(kit)).toHaveLength(1)
    kit.running.answer(200)
    for (let i = 0; i < 120; i++) {
      kit.send()
      kit.running.connect()
      kit.clock.advance(10)
      kit.running.answer(200)
    }
    kit.send()
    kit.running.connect()
    kit.clock.advance(30)
    expect(busy(kit)).toHaveLength(2)
  })
})

test('is counted by route and told, for the first request as for others', () => {
  const kit = hedged()
  const [, second] = slow(kit)
  second.answer(200)
  expect([...kit.metrics.counts]).toEqual([['sluice_hedges_total r', 1]])
  expect(kit.decided('hedge')).toEqual([{ attempt: 2, upstream: 'a' }])
  expect(kit.finished[0]?.attemptList?.map(({ beside }) => beside)).toEqual([false, true])
})
