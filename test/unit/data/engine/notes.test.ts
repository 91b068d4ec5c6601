import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../../../src/core/exchange.ts'
import type { Policy } from '../../../../src/core/policy.ts'
import { EngineKit } from '../../../kit/engine.ts'

const notesOf = (kit: EngineKit): unknown[] =>
  (kit.finished[0] as Exchange).notes?.kept.map(({ at: _, ...what }) => what) ?? []
const attemptsOf = (kit: EngineKit): number[] | undefined => kit.finished[0]?.attemptList?.map(({ number }) => number)

describe('what the story of a request is made of', () => {
  test('nothing is kept of a request that one attempt answers', () => {
    const kit = new EngineKit()
    kit.send()
    kit.latest.connect()
    kit.latest.answer(200)
    expect([notesOf(kit), attemptsOf(kit)]).toEqual([[], undefined])
  })

  test('all attempts, and why none follows the last', () => {
    const kit = new EngineKit({ upstreams: { a: 2 } })
    kit.send()
    kit.latest.fail({ reason: 'connect_refused' })
    kit.clock.advance(300)
    kit.latest.fail({ reason: 'connect_refused' })
    expect([kit.decided('no_retry'), attemptsOf(kit)]).toEqual([[{ because: 'attempts' }], [1, 2]])
  })

  test.each([
    ['method', 'POST', {}, { reason: 'upstream_reset', bytesSent: true }],
    ['condition', 'GET', { retries: { when: [503] } }, { reason: 'connect_refused' }],
    [
      'time',
      'GET',
      { timeouts: { request: 20 }, retries: { backoff: { base: 500, cap: 500 } } },
      { reason: 'connect_refused' },
    ],
  ] as const)('no further attempt: %s', (because, method, setUp, facts) => {
    const kit = new EngineKit({ upstreams: { a: 2 }, ...setUp } as ConstructorParameters<typeof EngineKit>[0])
    kit.send(method)
    kit.latest.fail(facts)
    expect(kit.decided('no_retry')).toEqual([{ because }])
  })

  test('a hedge, with the attempt that lost', () => {
    const kit = new EngineKit({ upstreams: { a: 3 }, hedge: { delay: 50 } })
    kit.send()
    kit.latest.connect()
    kit.clock.advance(60)
    kit.latest.connect()
    kit.latest.answer(200)
    expect([kit.decided('hedge'), attemptsOf(kit)]).toEqual([[{ attempt: 2, upstream: 'a' }], [1, 2]])
    expect(kit.finished[0]?.attemptList?.map(({ beside }) => beside)).toEqual([false, true])
    expect(kit.finished[0]?.attemptList?.map(({ head }) => head?.ignored)).toEqual([true, false])
  })

  test('a full bulkhead, and a spent budget', () => {
    const full = new EngineKit({ maxAttempts: 1, upstreams: { a: 2 } })
    full.send()
    full.send()
    expect(notesOf(full)).toEqual([
      { kind: 'refused', policy: 'upstreamBulkhead', reason: 'bulkhead_full', mode: 'enforce', upstream: 'a' },
    ])
    const spent = new EngineKit({
      upstreams: { a: 2 },
      atUpstreams: { retryBudget: { percent: 0, interval: 10_000, minRetryRate: { count: 0, interval: 1_000 } } },
    })
    spent.send()
    spent.latest.fail({ reason: 'connect_refused' })
    expect(notesOf(spent)).toContainEqual(
      expect.objectContaining({ kind: 'decided', decision: 'budget', facts: { upstream: 'a' } }),
    )
  })

  test('what refuses the whole request, only where spans may be made of it', () => {
    const refuses: Policy = { name: 'refuses', admit: () => ({ reason: 'shed' }) }
    const traces: Policy = {
      name: 'traces',
      admit: (ex) => {
        ex.trace = { sampled: false, dispatched: () => {} }
        return undefined
      },
    }
    const plain = new EngineKit({ policies: [refuses] })
    plain.send()
    expect(plain.finished[0]).toMatchObject({ notes: undefined, failure: { reason: 'shed' } })
    const traced = new EngineKit({ policies: [traces, refuses] })
    traced.send()
    expect(notesOf(traced)).toEqual([
      { kind: 'refused', policy: 'refuses', reason: 'shed', mode: 'enforce', upstream: undefined },
    ])
  })

  test('are bounded', () => {
    const kit = new EngineKit()
    kit.send()
    kit.latest.connect()
    kit.latest.answer(200)
    const ex = kit.finished[0] as Exchange
    for (let i = 0; i < 100; i++)
      ex.note({ at: i, kind: 'refused', policy: 'p', reason: 'shed', mode: 'shadow', upstream: 'a' })
    expect([ex.notes?.kept.length, ex.notes?.more]).toEqual([32, 68])
  })
})
