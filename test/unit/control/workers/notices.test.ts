import { expect, test } from 'vitest'
import type { EndpointState } from '../../../../src/control/contract.ts'
import { Lasting, rowOf } from '../../../../src/control/workers/lasting.ts'
import { Notices } from '../../../../src/control/workers/notices.ts'
import type { CellReader } from '../../../../src/core/feature.ts'
import type { Notice } from '../../../../src/core/notice.ts'
import { circuitBreaker } from '../../../../src/features/circuit-breaker/feature.ts'
import { healthCheck } from '../../../../src/features/health-check/feature.ts'
import { outlierDetection } from '../../../../src/features/outlier-detection/feature.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { memoryLog } from '../../../kit/log.ts'

const FACTS = { cause: 'error_rate', failed: 12, total: 20, windowMs: 10_000, openMs: 5_312 }

function changed(state: string, facts: Readonly<Record<string, string | number>> = {}): Notice {
  return { kind: 'state', feature: 'circuitBreaker', labels: ['app', 'u'], state, facts }
}

function set() {
  const log = memoryLog()
  const clock = new ManualClock()
  return { clock, log, notices: new Notices(log, clock, [circuitBreaker, healthCheck, outlierDetection]) }
}

test('a change of what lasts is logged as its table says, with labels, facts and level', () => {
  const { log, notices } = set()
  notices.take(changed('open', FACTS))
  notices.take(changed('closed'))
  expect(log.lines).toEqual([
    {
      level: 'warn',
      message: 'a circuit breaker opened',
      fields: { route: 'app', upstream: 'u', to: 'open', ...FACTS },
    },
    { level: 'info', message: 'a circuit breaker changed', fields: { route: 'app', upstream: 'u', to: 'closed' } },
  ])
})

test('and counted', () => {
  const { notices } = set()
  for (const state of ['open', 'half_open', 'open']) notices.take(changed(state, FACTS))
  expect([...(notices.gauges.sluice_breaker_transitions_total?.() ?? [])]).toEqual([
    { labels: ['app', 'u', 'open'], value: 2 },
    { labels: ['app', 'u', 'half_open'], value: 1 },
  ])
})

const EJECTED = { cause: 'consecutive_5xx', failed: 5, total: 5, ms: 31_200 }

function ofEndpoint(
  feature: string,
  state: string,
  facts: Readonly<Record<string, string | number>> = {},
  endpoint = 'e',
): Notice {
  return { kind: 'state', feature, labels: ['u', endpoint], state, facts }
}

test('states of endpoints and what else features tell are logged with their facts, and counted where they say so', () => {
  const { log, notices } = set()
  const fields = { upstream: 'u', endpoint: 'e' }
  for (const _ of [1, 2]) notices.take(ofEndpoint('outlierDetection', 'ejected', EJECTED))
  notices.take({ kind: 'event', feature: 'outlierDetection', event: 'spared', facts: { ...fields, ...EJECTED } })
  notices.take(ofEndpoint('outlierDetection', 'usable'))
  expect(log.lines).toEqual([
    { level: 'warn', message: 'endpoint ejected', fields: { ...fields, to: 'ejected', ...EJECTED } },
    { level: 'warn', message: 'endpoint ejected', fields: { ...fields, to: 'ejected', ...EJECTED } },
    { level: 'warn', message: 'endpoint would be ejected', fields: { ...fields, ...EJECTED } },
    { level: 'info', message: 'endpoint is back on probation', fields: { ...fields, to: 'usable' } },
  ])
  expect([...(notices.gauges.sluice_ejections_total?.() ?? [])]).toEqual([
    { labels: ['u', 'consecutive_5xx', 'enforce'], value: 2 },
    { labels: ['u', 'consecutive_5xx', 'shadow'], value: 1 },
  ])
})

const DRAINED = { text: 'ci has drained it', since: 1 }

test('the state of an endpoint is told by the feature that brought it there last, with why, what follows and since when', () => {
  const { clock, notices } = set()
  const features = [healthCheck, outlierDetection]
  const lasting = new Lasting({
    features,
    uses: () => [],
    drained: () => DRAINED,
    look: {} as CellReader,
    notices,
    others: () => [],
  })
  const at = clock.wall()
  const why = (state: EndpointState, endpoint = 'e') => lasting.endpoint('u', endpoint, state)
  expect(why('usable')).toEqual({ text: 'it gets requests', since: undefined })
  expect(why('ejected')).toEqual({ text: 'its attempts failed; it gets none for a while', since: undefined })
  notices.take(ofEndpoint('outlierDetection', 'ejected', EJECTED))
  expect(why('ejected')).toEqual({
    text: '5 attempts in a row failed or were answered with a status from 500 on; it gets none for 31s, then its first failure ejects it again',
    since: at,
  })
  expect(why('ejected', 'other').since).toBeUndefined()
  clock.advance(1_000)
  notices.take(ofEndpoint('healthCheck', 'unhealthy', { reason: 'status', detail: '503', failed: 3, needed: 2 }))
  expect(why('unhealthy')).toEqual({
    text: '3 health checks in a row failed (status, 503); it gets no requests until 2 in a row pass',
    since: at + 1_000,
  })
  clock.advance(1_000)
  notices.take(ofEndpoint('healthCheck', 'usable'))
  clock.advance(1_000)
  notices.take(ofEndpoint('outlierDetection', 'usable'))
  expect(why('usable')).toEqual({ text: 'it was ejected, and gets requests again', since: at + 3_000 })
  expect(why('draining')).toBe(DRAINED)
})

test('endpoints that come and go are not remembered without end', () => {
  const { notices } = set()
  for (let i = 0; i < 20_000; i++) notices.take(ofEndpoint('outlierDetection', 'ejected', EJECTED, `e${i}`))
  expect(notices.latest('outlierDetection', ['u', 'e0'])).toBeUndefined()
  expect(notices.latest('outlierDetection', ['u', 'e19999'])?.state).toBe('ejected')
})

test('the latest change says why a state is what it is, as long as it is', () => {
  const { clock, notices } = set()
  const words = new Int32Array(new SharedArrayBuffer(64))
  const cells = { u: { circuit: { state: { page: 0, slot: 0 } } } }
  const lasting = new Lasting({
    features: [circuitBreaker],
    uses: () => [{ use: { at: 'route', name: 'app', options: {}, upstreams: ['u'], reach: {} }, cells }],
    drained: () => undefined,
    look: { words: () => words, sum: () => 0, window: () => expect.unreachable() },
    notices,
    others: () => [],
  })
  const text = (): string | undefined => Array.from(lasting.all(), rowOf)[0]?.text
  expect(text()).toBe('all attempts pass')
  notices.take(changed('open', FACTS))
  expect(text()).toBe('all attempts pass')
  words[0] = 1
  expect(Array.from(lasting.all(), rowOf)).toEqual([
    {
      route: 'app',
      upstream: 'u',
      state: 'open',
      since: new Date(clock.wall()).toISOString(),
      text: '12 of 20 attempts failed in 10s; all attempts are refused for 5s, then probes pass',
    },
  ])
  words[0] = 2
  expect(text()).toBe('probes pass and decide')
})
