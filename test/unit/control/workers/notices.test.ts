import { expect, test } from 'vitest'
import { Lasting, rowOf } from '../../../../src/control/workers/lasting.ts'
import { Notices } from '../../../../src/control/workers/notices.ts'
import type { Notice } from '../../../../src/core/notice.ts'
import { circuitBreaker } from '../../../../src/features/circuit-breaker/feature.ts'
import { outlierDetection } from '../../../../src/features/outlier-detection/feature.ts'
import { memoryLog } from '../../../kit/log.ts'

const FACTS = { cause: 'error_rate', failed: 12, total: 20, windowMs: 10_000, openMs: 5_312 }

function changed(state: string, facts: Readonly<Record<string, string | number>> = {}): Notice {
  return { kind: 'state', feature: 'circuitBreaker', labels: ['app', 'u'], state, facts }
}

function set() {
  const log = memoryLog()
  return { log, notices: new Notices(log, [circuitBreaker, outlierDetection]) }
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

test('what else features tell is logged with its facts, and counted', () => {
  const { log, notices } = set()
  const tell = (event: string, facts: Readonly<Record<string, string | number>>): void =>
    notices.take({
      kind: 'event',
      feature: 'outlierDetection',
      event,
      facts: { upstream: 'u', endpoint: 'e', ...facts },
    })
  const facts = { cause: 'consecutive_5xx', ms: 31_000 }
  for (const _ of [1, 2]) tell('ejected', { ...facts, mode: 'enforce' })
  tell('spared', { ...facts, mode: 'shadow' })
  tell('returned', {})
  const fields = { upstream: 'u', endpoint: 'e' }
  expect(log.lines).toEqual([
    { level: 'warn', message: 'endpoint ejected', fields: { ...fields, ...facts, mode: 'enforce' } },
    { level: 'warn', message: 'endpoint ejected', fields: { ...fields, ...facts, mode: 'enforce' } },
    { level: 'warn', message: 'endpoint would be ejected', fields: { ...fields, ...facts, mode: 'shadow' } },
    { level: 'info', message: 'endpoint is back on probation', fields },
  ])
  expect([...(notices.gauges.sluice_ejections_total?.() ?? [])]).toEqual([
    { labels: ['u', 'consecutive_5xx', 'enforce'], value: 2 },
    { labels: ['u', 'consecutive_5xx', 'shadow'], value: 1 },
  ])
})

test('the latest change says why a state is what it is, as long as it is', () => {
  const { notices } = set()
  const words = new Int32Array(new SharedArrayBuffer(64))
  const cells = { u: { circuit: { state: { page: 0, slot: 0 } } } }
  const lasting = new Lasting({
    features: [circuitBreaker],
    uses: () => [{ use: { at: 'route', name: 'app', options: {}, upstreams: ['u'], reach: {} }, cells }],
    look: { words: () => words, sum: () => 0, window: () => expect.unreachable() },
    notices,
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
      text: '12 of 20 attempts failed in 10s; all attempts are refused for 5s, then probes pass',
    },
  ])
  words[0] = 2
  expect(text()).toBe('probes pass and decide')
})
