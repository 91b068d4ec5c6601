import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../../../src/core/exchange.ts'
import type { Policy } from '../../../../src/core/policy.ts'
import { eventsOf } from '../../../../src/data/seeing/tracing/events.ts'
import { retries } from '../../../../src/features/retries/feature.ts'
import type { RetryOptions } from '../../../../src/features/retries/keys.ts'
import { Retries } from '../../../../src/features/retries/retries.ts'
import { EngineKit, type EngineSetUp } from '../../../kit/engine.ts'
import { CountedMetrics, readOptions } from '../../../kit/feature.ts'

function made(written: object = {}): Retries {
  const context = { metrics: new CountedMetrics(), note: () => {} }
  return new Retries(readOptions(retries, written) as RetryOptions, context)
}

/** A request of which `failures` attempts in a row fail, and then one is answered. */
function failing(failures: number, setUp: EngineSetUp = {}): EngineKit {
  const kit = new EngineKit({ upstreams: { a: 4 }, retries: { maxExtra: 3 }, ...setUp })
  kit.send()
  for (let i = 0; i < failures; i++) {
    kit.latest.connect()
    kit.latest.answer(503)
    kit.clock.advance(300)
  }
  kit.latest.connect()
  kit.latest.answer(200)
  return kit
}

describe('after which outcomes', () => {
  test.each([
    ['connect', true],
    ['reset', true],
    ['timeout', false],
    ['ok', false],
    [200, false],
    [404, false],
    [500, false],
    [503, true],
  ] as const)('%s by default: %s', (outcome, follows) => {
    expect(made().follows(outcome)).toBe(follows)
  })

  test('5xx is every status from 500, and nothing else', () => {
    const { follows } = { follows: (outcome: number) => made({ when: ['5xx'] }).follows(outcome) }
    expect([499, 500, 503, 599].map(follows)).toEqual([false, true, true, true])
  })
})

test('methods that may be repeated are those of RFC 9110 that are idempotent, by default', () => {
  const again = made()
  expect(['GET', 'PUT', 'DELETE', 'QUERY', 'POST', 'PATCH'].map((method) => again.repeats(method))).toEqual([
    true,
    true,
    true,
    true,
    false,
    false,
  ])
})

test('backoff is a function of the request alone, jittered, and bounded by its cap', () => {
  const again = made({ backoff: { base: '25ms', cap: '250ms' } })
  const delays = Array.from({ length: 500 }, (_, i) => again.backoffMs(1 + (i % 8), `id-${i}`))
  expect(delays).toEqual(Array.from({ length: 500 }, (_, i) => again.backoffMs(1 + (i % 8), `id-${i}`)))
  expect(Math.max(...delays)).toBeLessThan(250)
  expect(Math.max(...delays)).toBeGreaterThan(200)
  const firsts = delays.filter((_, i) => i % 8 === 0)
  expect(Math.max(...firsts)).toBeLessThan(25)
  expect(Math.min(...firsts)).toBeLessThan(3)
})

describe('further attempts', () => {
  test('are counted by what became of the attempt before', () => {
    const kit = failing(2)
    expect([...kit.metrics.counts]).toEqual([['sluice_retries_total r,503', 2]])
  })

  test('are not counted for requests of our own', () => {
    const ours: Policy = { name: 'ours', admit: (ex) => void Object.assign(ex, { kind: 'side' }) }
    const kit = new EngineKit({ upstreams: { a: 2 }, policies: [ours] })
    kit.send()
    kit.latest.fail({ reason: 'connect_refused' })
    kit.clock.advance(300)
    kit.latest.connect()
    kit.latest.answer(200)
    expect([...kit.metrics.counts]).toEqual([])
    expect(kit.decided('retry')).toEqual([{ attempt: 2, after: 'connect_refused' }])
  })

  test('are events of the span, and no part of the story, which tells the attempts', () => {
    const kit = failing(2)
    const [ex] = kit.finished as [Exchange]
    const told = eventsOf(ex, 0, kit.clock.now()).map(({ at, facts, name }) => [name, facts, at])
    expect(told).toEqual([
      ['retry', { attempt: 2, after: '503' }, ex.allAttempts[1]?.startedAt],
      ['retry', { attempt: 3, after: '503' }, ex.allAttempts[2]?.startedAt],
    ])
    expect(retries.decisions?.retry.story).toBe(false)
  })

  test('one beside the first is none', () => {
    const kit = new EngineKit({ upstreams: { a: 3 }, hedge: { delay: 50 } })
    kit.send()
    kit.latest.connect()
    kit.clock.advance(60)
    kit.latest.connect()
    kit.latest.answer(200)
    expect(kit.finished[0]?.attempts).toBe(2)
    expect(kit.decided('retry')).toEqual([])
  })

  test('one that its pool refused is told once it was sent', () => {
    const kit = new EngineKit({ upstreams: { a: 3 }, connections: { max: 1, maxWaiting: 0 } })
    kit.send()
    const first = kit.latest
    kit.send()
    kit.send()
    first.connect()
    first.fail({ reason: 'upstream_reset' })
    kit.clock.advance(300)
    // All others are busy: the second attempt goes back to the endpoint of the first.
    for (const running of kit.transport.connections.filter(({ busy }) => busy)) {
      running.connect()
      running.answer(200)
    }
    const retried = kit.finished.find(({ attempts }) => attempts === 2)
    expect(retried?.attemptList?.map(({ number, unsent }) => [number, unsent])).toEqual([
      [1, false],
      [2, true],
      [2, true],
      [2, false],
    ])
    expect(kit.decided('retry')).toEqual([{ attempt: 2, after: 'upstream_reset' }])
  })
})

test('why none follows is told in words', () => {
  const { no_retry: none } = retries.decisions as NonNullable<typeof retries.decisions>
  expect(none.sentence({ because: 'method' })).toMatch(/^no further attempt: .*retries\.methods/)
  expect(none.sentence({ because: 'of a newer gateway' })).toBe('no further attempt: of a newer gateway')
})
