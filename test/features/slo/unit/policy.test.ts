import { describe, expect, test } from 'vitest'
import { PAGE_BYTES } from '../../../../src/cells/pages.ts'
import { CellSpace } from '../../../../src/cells/space.ts'
import { MetricsRegistry } from '../../../../src/control/seeing/metrics/metrics-registry.ts'
import { Attempt } from '../../../../src/core/attempt.ts'
import type { Exchange } from '../../../../src/core/exchange.ts'
import { failure, type Origin, type Reason } from '../../../../src/core/failures.ts'
import { answered, type HeadVerdict, provoked } from '../../../../src/core/outcome.ts'
import { WorkerMetrics } from '../../../../src/core/series.ts'
import { slo as sloFeature } from '../../../../src/features/slo/feature.ts'
import type { SloOptions } from '../../../../src/features/slo/keys.ts'
import { SloPolicy } from '../../../../src/features/slo/policy.ts'
import type { ObjectiveKind } from '../../../../src/features/slo/words.ts'
import { type Clock, systemClock } from '../../../../src/lib/clock.ts'
import { featureContext } from '../../../kit/feature.ts'
import { madeExchange } from '../../../unit/data/seeing/made-exchange.ts'

const SLO = { availability: 0.999, latency: { target: 0.99, threshold: 300 } }
const START = 1000

class Bench {
  readonly registry = new MetricsRegistry(systemClock, [sloFeature])
  readonly policy: SloPolicy
  private now = START

  constructor(slo: SloOptions = SLO) {
    const page = { id: 1, kind: 'floats' as const, buffer: new SharedArrayBuffer(PAGE_BYTES) }
    this.registry.addPage(0, page)
    const metrics = new WorkerMetrics(new CellSpace(1, 0), [page], (message) => {
      if (message.type === 'series') this.registry.series(0, message)
    })
    const context = { ...featureContext(), feature: 'slo', metrics, clock: { now: () => this.now } as Clock }
    this.policy = new SloPolicy(slo, { ...context, use: { ...context.use, name: 'orders' } })
  }

  /** Good and bad ones. */
  counts(objective: ObjectiveKind): [good: number, bad: number] {
    const of = (result: string): number => this.registry.count('sluice_slo_events_total', ['orders', objective, result])
    return [of('good'), of('bad')]
  }

  /** The head went out after `ttfb` milliseconds; undefined: none did. */
  ends(status: number, ttfb: number | undefined, rest: Partial<Exchange> = {}, after = ttfb ?? 0): this {
    const ex = Object.assign(madeExchange({}, START), {
      route: { name: 'orders', record: {} },
      response: { status, headers: [] },
      sent: ttfb !== undefined,
      firstByteAt: ttfb === undefined ? 0 : START + ttfb,
      ...rest,
    })
    this.now = START + after
    this.policy.settle(ex)
    return this
  }
}

const because = (reason: Reason, origin: Origin): Partial<Exchange> => ({ failure: failure(reason, 'headers', origin) })

function answeredWith(head: HeadVerdict): Partial<Exchange> {
  return { attempt: Object.assign(new Attempt(1, 'orders', START), { head }) }
}

test('both series begin with 0', async () => {
  const { body } = await new Bench().registry.expose()
  expect(String(body).match(/^sluice_slo_events_total.*$/gm)).toEqual([
    'sluice_slo_events_total{route="orders",objective="availability",result="good"} 0',
    'sluice_slo_events_total{route="orders",objective="availability",result="bad"} 0',
    'sluice_slo_events_total{route="orders",objective="latency",result="good"} 0',
    'sluice_slo_events_total{route="orders",objective="latency",result="bad"} 0',
  ])
})

test('what a route does not promise is not counted', async () => {
  const bench = new Bench({ availability: 0.9, latency: undefined }).ends(200, 10)
  expect((await bench.registry.expose()).body).not.toContain('objective="latency"')
  expect(bench.counts('availability')).toEqual([1, 0])
})

describe('availability', () => {
  test.each<[what: string, status: number, rest: Partial<Exchange>, counts: [number, number]]>([
    ['an answer', 200, {}, [1, 0]],
    ['an answer of the upstream below 500', 404, {}, [1, 0]],
    ['an error of the upstream', 500, {}, [0, 1]],
    ['an error of the upstream whose patience the client wore out', 503, answeredWith(provoked(503)), [0, 0]],
    ['another one of its errors', 503, answeredWith(answered(503)), [0, 1]],
    ['no connection', 502, because('connect_refused', 'upstream'), [0, 1]],
    ['an answer that broke off', 200, because('response_incomplete', 'upstream'), [0, 1]],
    ['a refusal for want of permits', 503, because('bulkhead_full', 'sluice'), [0, 1]],
    ['a refusal of an open breaker', 503, because('breaker_open', 'sluice'), [0, 1]],
    ['a cut at the end of the drain', 503, because('draining', 'operator'), [0, 1]],
    ['a fallback', 200, { ...because('connect_refused', 'upstream'), degraded: 'connect_refused' }, [1, 0]],
    ['a fallback with an error', 503, { ...because('breaker_open', 'sluice'), degraded: 'breaker_open' }, [0, 1]],
    ['a client that went away', 499, because('client_gone', 'client'), [0, 0]],
    ['a malformed request', 400, because('bad_request', 'client'), [0, 0]],
    ['a refusal of a limit on clients, whoever made it', 429, because('rate_limited', 'sluice'), [0, 0]],
    ['a deadline that a gateway in front shortened', 504, because('deadline_exceeded', 'client'), [0, 0]],
    ['a deadline', 504, because('deadline_exceeded', 'upstream'), [0, 1]],
    ['a loop', 502, because('loop_detected', 'client'), [0, 0]],
  ])('%s', (_what, status, rest, counts) => {
    expect(new Bench().ends(status, 10, rest).counts('availability')).toEqual(counts)
  })
})

describe('latency', () => {
  test('is the time to the head of the answer, whatever its body takes', () => {
    const bench = new Bench().ends(200, 300, {}, 60_000).ends(200, 301).ends(101, 5, {}, 3_600_000)
    expect(bench.counts('latency')).toEqual([2, 1])
  })

  test('errors do not count, fast or slow', () => {
    const bench = new Bench().ends(503, 1).ends(504, 5000, because('deadline_exceeded', 'upstream'))
    expect(bench.counts('latency')).toEqual([0, 0])
  })

  test('clients that went away count where they had waited for too long', () => {
    const gone = because('client_gone', 'client')
    const bench = new Bench().ends(499, undefined, gone, 299).ends(499, undefined, gone, 301)
    expect(bench.counts('latency')).toEqual([0, 1])
  })

  test('nor does what they took for their upload', () => {
    const gone = { ...because('client_gone', 'client'), bodyMs: 5_000 }
    const bench = new Bench().ends(499, undefined, gone, 5_299).ends(499, undefined, gone, 5_301)
    expect(bench.counts('latency')).toEqual([0, 1])
  })

  test('so do those in front that gave less time', () => {
    const hurried = because('deadline_exceeded', 'client')
    const bench = new Bench().ends(504, 299, hurried).ends(504, 301, hurried)
    expect(bench.counts('latency')).toEqual([0, 1])
  })
})

test.each(['rerouted', 'side'] as const)('requests of kind %s do not count', (kind) => {
  expect(new Bench().ends(500, 10, { kind }).counts('availability')).toEqual([0, 0])
})
