import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Prometheus, shortened, withoutPrometheus } from '../../kit/prometheus.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type Script, type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { grafanaMarks, grafanaQueries, grafanaVariables, type PanelQuery } from './kit/grafana.ts'
import { ROOT } from './kit/image.ts'

/** Of a gateway whose log and metrics keep up: they are drawn when they are above nothing. */
const NEVER_HERE = ['Dropped']
/** Thirty days are six hours, two minutes one second. */
const FACTOR = 120

describe.skipIf(withoutPrometheus())('with a gateway that has every kind of trouble', () => {
  let upstreams: TestUpstream[] = []
  let sluice: Sluice
  let prometheus: Prometheus
  let load: NodeJS.Timeout
  const stop = new AbortController()

  /** Ill for every other second and a half. */
  const isIll = (): boolean => Math.floor(performance.now() / 1_500) % 2 === 1

  const script: Script = ({ url = '' }, res) => {
    if (url === '/events') res.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n')
    else if (url === '/slow') setTimeout(() => res.end('ok'), 150)
    else if (url === '/bad' || (url === '/sometimes' && isIll())) res.writeHead(503).end()
    else res.end('ok')
  }
  const ofLone: Script = (_req, res) => void res.writeHead(isIll() ? 503 : 200).end()

  beforeAll(async () => {
    upstreams = await Promise.all([testUpstream(script), testUpstream(script), testUpstream(ofLone)])
    const [one, two, lone] = upstreams.map(({ url }) => url)
    const dead = `http://127.0.0.1:${await closedPort()}`
    const yaml = `${TOP}
upstreams:
  app:
    endpoints: { file: endpoints.yaml, every: 1s }
    retryBudget: { percent: 1%, minRetryRate: { count: 1, interval: 1s } }
  lone: { endpoints: ["${lone}"], healthCheck: { path: /, interval: 200ms, unhealthyAfter: 1, healthyAfter: 1 } }
  dead: { endpoints: ["${dead}"] }
  narrow: { endpoints: ["${one}"], connections: { max: 1 } }
  outliers: { endpoints: ["${one}", "${dead}"], outlierDetection: { consecutiveFailures: 2, baseEjection: 1s } }
  panicky:
    endpoints: ["${one}", "${dead}"]
    panicThreshold: 90%
    healthCheck: { path: /, interval: 200ms, unhealthyAfter: 1 }
routes:
  fine: { match: { path: /fine }, to: app, slo: { availability: 99.9%, latency: { p99: 1s } } }
  bad: { match: { path: /bad }, to: app, slo: { availability: 99% } }
  sometimes:
    match: { path: /sometimes }
    to: app
    retries: off
    circuitBreaker: { minRequests: 3, window: 1s, openFor: 300ms, maxOpenFor: 300ms, halfOpen: { attempts: 1, ramp: 0s } }
  slow: { match: { path: /slow }, to: app, hedge: { delay: 30ms } }
  queue:
    match: { path: /queue }
    to: app
    rewrite: { path: /slow }
    bulkhead: { maxConcurrent: 1, queue: { size: 3, maxWait: 300ms } }
  narrow: { match: { path: /narrow }, to: narrow, rewrite: { path: /slow } }
  events: { match: { path: /events }, to: app }
  lone: { match: { path: /lone }, to: lone }
  fallback: { match: { path: /fallback }, to: dead, fallback: { body: less } }
  outliers: { match: { path: /outliers }, to: outliers }
  panicky: { match: { path: /panicky }, to: panicky }
`
    sluice = await startSluice(yaml, {
      place: async (folder, text) => {
        await writeFile(join(folder, 'endpoints.yaml'), JSON.stringify([one, two]))
        await writeFile(join(folder, 'sluice.yaml'), text)
        return join(folder, 'sluice.yaml')
      },
    })
    const rules = shortened(readFileSync(join(ROOT, 'config/prometheus/rules.yaml'), 'utf8'), FACTOR)
    prometheus = await Prometheus.start([`127.0.0.1:${sluice.probesPort}`], rules)
    const paths = ['fine', 'bad', 'sometimes', 'slow', 'queue', 'queue', 'queue', 'narrow', 'narrow', 'lone']
    const all = [...paths, 'fallback', 'outliers', 'panicky', 'nowhere']
    load = setInterval(() => {
      for (const path of all) void sluice.get(`/${path}`).catch(() => {})
    }, 100)
    void fetch(`http://127.0.0.1:${sluice.port()}/events`, { signal: stop.signal }).catch(() => {})
  })

  afterAll(async () => {
    clearInterval(load)
    stop.abort()
    await prometheus?.stop()
    await sluice?.stop()
    for (const upstream of upstreams) await upstream.close()
  })

  test('every query of every panel has a series with a number, and the labels of its legend', {
    timeout: 190_000,
  }, async () => {
    let left: PanelQuery[] = grafanaQueries('5s').filter(({ title }) => !NEVER_HERE.includes(title))
    await until(
      async () => {
        const empty: PanelQuery[] = []
        for (const query of left) if (!(await draws(query))) empty.push(query)
        left = empty
        return left.length === 0
      },
      () => `something to draw for ${left.map(({ expr, title }) => `${title}: ${expr}`).join('\n')}`,
      90_000,
    )
  })

  /** A panel that draws nothing, or a series without its name, would go unseen in Grafana. */
  async function draws({ expr, legend }: PanelQuery): Promise<boolean> {
    const series = await prometheus.query(expr)
    const drawn = series.filter(({ value: [, number] }) => Number.isFinite(Number(number)))
    const names = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = '']) => name)
    for (const { metric } of drawn)
      expect(
        names.filter((name) => metric[name] === undefined),
        expr,
      ).toEqual([])
    return drawn.length > 0
  }

  test('every variable has values, and a change of the config is marked', async () => {
    for (const { label, name, selector } of grafanaVariables()) {
      const found = (await prometheus.query(selector)).map(({ metric }) => metric[label])
      expect(
        found.filter((value) => value !== undefined && value !== ''),
        name,
      ).not.toEqual([])
    }
    expect(grafanaMarks()).toHaveLength(1)
    for (const expr of grafanaMarks()) {
      const [mark] = await prometheus.query(expr)
      expect(Math.abs(Number(mark?.value[1]) - Date.now())).toBeLessThan(600_000)
    }
  })
})
