import { describe, expect, test } from 'vitest'
import { EngineKit } from '../../../kit/engine.ts'

const NONE = { percent: 0, interval: 10_000, minRetryRate: { count: 0, interval: 1_000 } }
const statuses = (kit: EngineKit): (number | undefined)[] => kit.finished.map((ex) => ex.response?.status)

/** Answers the attempt that is under way. */
function answer(kit: EngineKit, status: number, headers: readonly string[] = []): void {
  const { running } = kit
  running.connect()
  running.answer(status, headers)
}

describe('the retry budget', () => {
  test('without budget the answer of the first attempt is relayed, and it is told', () => {
    const kit = new EngineKit({ upstreams: { a: 2 }, atUpstreams: { retryBudget: NONE } })
    kit.send()
    answer(kit, 503)
    expect(statuses(kit)).toEqual([503])
    expect([...kit.metrics.counts]).toEqual([['sluice_retry_budget_exhausted_total a', 1]])
  })

  test('attempts never exceed first attempts by more than the share and the floor', () => {
    const retryBudget = { percent: 0.2, interval: 10_000, minRetryRate: { count: 1, interval: 1_000 } }
    const retries = { maxExtra: 2, backoff: { base: 0, cap: 0 } }
    const kit = new EngineKit({ upstreams: { a: 3 }, retries, atUpstreams: { retryBudget } })
    for (let i = 0; i < 200; i++) {
      kit.send()
      const before = kit.finished.length
      while (kit.finished.length === before) {
        answer(kit, 503)
        kit.clock.advance(10)
      }
    }
    const real = kit.attempts.filter((at) => at.head?.ignored === false).length
    expect(real).toBeGreaterThan(200)
    expect(real).toBeLessThanOrEqual(200 * 1.2 + 10)
  })

  test('each upstream has its own: the failover upstream takes what the first one may not', () => {
    const kit = new EngineKit({ upstreams: { a: 1, b: 1 }, atUpstreams: { retryBudget: NONE } })
    kit.send()
    answer(kit, 503)
    expect([...kit.metrics.counts.keys()]).toEqual(
      ['b', 'a'].map((name) => `sluice_retry_budget_exhausted_total ${name}`),
    )
  })

  test('a retry that was refused before it went is given back', () => {
    const retryBudget = { percent: 0, interval: 10_000, minRetryRate: { count: 1, interval: 10_000 } }
    let refuse = true
    const policy = {
      name: 'refuses',
      attempt: (_ex: unknown, at: { number: number }) =>
        refuse && at.number > 1 ? ({ reason: 'breaker_open', phase: 'connect' } as const) : undefined,
    }
    const kit = new EngineKit({ upstreams: { a: 2 }, atUpstreams: { retryBudget }, policies: [policy] })
    kit.send()
    answer(kit, 503)
    expect(statuses(kit)).toEqual([503])
    refuse = false
    kit.send()
    answer(kit, 503)
    kit.clock.advance(300)
    answer(kit, 200)
    expect(statuses(kit)).toEqual([503, 200])
  })
})

describe('Retry-After', () => {
  test('is waited for where the same endpoint is next', () => {
    const kit = new EngineKit({ upstreams: { a: 1 } })
    const sent = kit.send()
    answer(kit, 503, ['Retry-After', '2'])
    kit.clock.advance(1_900)
    expect(kit.running).toBeUndefined()
    kit.clock.advance(200)
    answer(kit, 200)
    expect(sent.reply?.status).toBe(200)
  })

  test('a date counts, too', () => {
    const kit = new EngineKit({ upstreams: { a: 1 } })
    const sent = kit.send()
    answer(kit, 503, ['Retry-After', new Date(kit.clock.wall() + 3_000).toUTCString()])
    kit.clock.advance(1_900)
    expect(sent.ended).toBe(false)
    kit.clock.advance(1_200)
    answer(kit, 200)
    expect(sent.reply?.status).toBe(200)
  })

  test('another endpoint is asked without waiting for it', () => {
    const kit = new EngineKit({ upstreams: { a: 2 } })
    const sent = kit.send()
    answer(kit, 503, ['Retry-After', '3600'])
    kit.clock.advance(300)
    answer(kit, 200)
    expect(sent.reply?.status).toBe(200)
  })

  test.each([
    ['above the cap', '6'],
    ['past the deadline', '5'],
  ])('%s the answer is relayed at once', (_what, seconds) => {
    const kit = new EngineKit({ upstreams: { a: 1 }, timeouts: { request: 4_000 } })
    kit.send()
    answer(kit, 503, ['Retry-After', seconds])
    expect(statuses(kit)).toEqual([503])
  })

  test('what is neither seconds nor a date means nothing', () => {
    const kit = new EngineKit({ upstreams: { a: 1 } })
    const sent = kit.send()
    answer(kit, 503, ['Retry-After', 'soon'])
    kit.clock.advance(300)
    answer(kit, 200)
    expect(sent.reply?.status).toBe(200)
  })
})
