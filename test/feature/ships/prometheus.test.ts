import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Alert, Prometheus, shortened, withoutPrometheus } from '../../kit/prometheus.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { ROOT } from './kit/image.ts'

/** Five minutes are 2.5 s; an hour is 30 s. */
const FACTOR = 120

describe.skipIf(withoutPrometheus())('a real Prometheus', () => {
  let upstream: TestUpstream
  let port: number
  let sluice: Sluice
  let prometheus: Prometheus
  let sending = true
  let traffic: Promise<void>

  beforeAll(async () => {
    upstream = await testUpstream((_req, res) => void res.end('ok'))
    port = upstream.port
    sluice = await startSluice(`${TOP}
upstreams:
  orders: { endpoints: ["${upstream.url}"], healthCheck: { path: /, interval: 200ms, timeout: 5s, unhealthyAfter: 1 } }
  plain: { endpoints: ["${upstream.url}"] }
routes:
  orders:
    match: { path: /orders }
    to: orders
    slo: { availability: 99.9%, latency: { p90: 5s } }
  plain:
    match: { path: /plain }
    to: plain
    circuitBreaker: { minRequests: 5, window: 2s, openFor: 500ms, maxOpenFor: 500ms, halfOpen: { ramp: 0s } }
`)
    const rules = shortened(readFileSync(join(ROOT, 'config/prometheus/rules.yaml'), 'utf8'), FACTOR)
    prometheus = await Prometheus.start([`127.0.0.1:${sluice.probesPort}`], rules)
    traffic = send()
  })

  afterAll(async () => {
    sending = false
    await traffic
    await prometheus?.stop()
    expect(await sluice?.stop()).toBe(0)
    await upstream?.close()
  })

  /** One request after another to either route, some fifty a second. */
  async function send(): Promise<void> {
    while (sending) {
      await sluice.get('/orders')
      await sluice.get('/plain')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async function firing(): Promise<string[]> {
    const alerts = await prometheus.alerts()
    return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname as string)
  }

  async function alert(name: string): Promise<Alert | undefined> {
    return (await prometheus.alerts()).find(({ labels, state }) => labels.alertname === name && state === 'firing')
  }

  const EXPECTED = ['SluiceErrorBudgetBurnsFast', 'SluiceUpstreamDown', 'SluiceBreakerOpen', 'SluiceErrorRatioHigh']

  test('scrapes the gateway, and is content with what it serves', async () => {
    await until(async () => {
      const [good] = await prometheus.query('sum(rate(sluice_slo_events_total{result="good"}[5s]))')
      return Number(good?.value[1] ?? 0) > 1
    })
    await until(async () => (await prometheus.query('route:sluice_slo_burn:rate5m')).length === 2)
    const now = await firing()
    expect(EXPECTED.filter((name) => now.includes(name))).toEqual([])
  })

  test('its alerts fire when the upstream is killed, and say so in words', { timeout: 40_000 }, async () => {
    await upstream.close()
    await until(async () => {
      const now = await firing()
      return EXPECTED.every((name) => now.includes(name))
    }, 'the alerts fire')
    const burns = await alert('SluiceErrorBudgetBurnsFast')
    expect(burns?.labels).toMatchObject({
      job: 'sluice',
      route: 'orders',
      objective: 'availability',
      severity: 'critical',
    })
    expect(burns?.annotations.summary).toBe('The availability of route orders burns its error budget fast')
    expect(burns?.annotations.description).toMatch(/^sluice: it is spent [\d.]+ times faster than it may be/)
    const down = await alert('SluiceUpstreamDown')
    expect(down?.annotations.summary).toBe('Upstream orders has no usable endpoint')
  })

  test('they clear after it is back', { timeout: 60_000 }, async () => {
    await upstream.listen(port)
    await until(
      async () => {
        const now = await firing()
        return EXPECTED.every((name) => !now.includes(name))
      },
      'the alerts clear',
      50_000,
    )
  })
})
