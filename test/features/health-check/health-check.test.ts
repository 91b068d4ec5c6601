import { afterEach, describe, expect, test } from 'vitest'
import { logged } from '../../kit/reload.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort, tcpServer } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type Script, seenField, type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let sluice: Sluice | undefined
const ends: (() => Promise<unknown> | unknown)[] = []

afterEach(async () => {
  expect(await sluice?.stop()).toBe(0)
  sluice = undefined
  for (const end of ends.splice(0)) await end()
})

const FAST = 'interval: 100ms, timeout: 2s'

async function start(endpoints: readonly string[], healthCheck: string, rest = ''): Promise<Sluice> {
  sluice = await startSluice(`${TOP}
upstreams:
  app:
    endpoints: [${endpoints.map((url) => JSON.stringify(url)).join(', ')}]
    healthCheck: { ${healthCheck} }
    ${rest}
routes:
  app: { match: { path: /* }, to: app }
`)
  return sluice
}

async function server(script: Script): Promise<TestUpstream> {
  const upstream = await testUpstream(script)
  ends.push(() => upstream.close())
  return upstream
}

/** An upstream whose health is `healthy`; other requests are answered with its name. */
async function app(name: string) {
  const state = { healthy: true, requests: 0, checks: 0 }
  const upstream = await server((req, res) => {
    const check = req.url?.startsWith('/healthz') === true
    if (check) state.checks++
    else state.requests++
    res.writeHead(check && !state.healthy ? 503 : 200).end(name)
  })
  return { ...upstream, state, url: upstream.url, upstream }
}

async function states(): Promise<string[]> {
  const { upstreams } = (await (sluice as Sluice).status()) as never as {
    upstreams: { endpoints: { state: string }[] }[]
  }
  return (upstreams[0]?.endpoints ?? []).map(({ state }) => state)
}

const reaches = (...wanted: string[]): Promise<void> =>
  until(
    async () => (await states()).join() === wanted.join(),
    () => `${wanted}; ${sluice?.stderr.slice(-2000)}`,
  )

const why = async (): Promise<unknown> => (await logged(sluice as Sluice, 'an endpoint is unhealthy')).reason

describe('active health checks', () => {
  test('an endpoint that says no gets no requests until it says yes again', async () => {
    const [a, b] = [await app('a'), await app('b')]
    const gateway = await start([a.url, b.url], FAST)
    await until(() => a.state.checks > 0 && b.state.checks > 0)
    b.state.healthy = false
    await reaches('usable', 'unhealthy')
    const before = b.state.requests
    for (let i = 0; i < 20; i++) expect((await gateway.get('/')).body).toBe('a')
    expect(b.state.requests).toBe(before)
    expect(await logged(gateway, 'an endpoint is unhealthy')).toMatchObject({
      level: 'warn',
      upstream: 'app',
      endpoint: b.url,
      reason: 'status',
      detail: '503',
    })
    b.state.healthy = true
    await reaches('usable', 'usable')
    await until(async () => (await gateway.get('/')).body === 'b')
    await gateway.shows(
      /sluice_health_checks_total\{upstream="app",result="ok"\} [1-9]/,
      /sluice_health_checks_total\{upstream="app",result="status"\} ([3-9]|\d\d)/,
      'sluice_upstream_endpoints{upstream="app",state="usable"} 2',
    )
    expect(await logged(gateway, 'an endpoint is healthy again')).toMatchObject({ level: 'info', endpoint: b.url })
  })

  test('requests in flight at an endpoint that goes down finish', async () => {
    let healthy = true
    let finish: (() => void) | undefined
    const a = await server((req, res) => {
      if (req.url === '/healthz') res.writeHead(healthy ? 200 : 500).end()
      else finish = () => res.end('late')
    })
    const b = await app('b')
    const gateway = await start([a.url, b.url], FAST)
    const answers: string[] = []
    while (finish === undefined) {
      const asked = gateway.get('/').then(({ body }) => answers.push(body))
      await Promise.race([asked, until(() => finish !== undefined)])
    }
    healthy = false
    await reaches('unhealthy', 'usable')
    finish()
    await until(() => answers.includes('late'))
  })

  test('killed endpoints are found and come back; the time without any is measured', async () => {
    const a = await app('a')
    const { port } = a.upstream
    const gateway = await start([a.url], FAST)
    await until(() => a.state.checks > 0)
    await a.upstream.close()
    await reaches('unhealthy')
    expect(await why()).toBe('refused')
    expect((await gateway.probe('/readyz')).body).toContain('upstreams_down')
    await a.upstream.listen(port)
    await reaches('usable')
    await until(async () =>
      (await gateway.probe('/metrics')).body.includes('sluice_recovery_seconds_count{upstream="app"} 1'),
    )
    expect((await gateway.get('/')).body).toBe('a')
  })

  test('when all are unhealthy, requests are sent all the same', async () => {
    const [a, b] = [await app('a'), await app('b')]
    a.state.healthy = false
    b.state.healthy = false
    const gateway = await start([a.url, b.url], FAST)
    await reaches('unhealthy', 'unhealthy')
    expect((await gateway.get('/')).status).toBe(200)
  })

  test('a good check may end an ejection early', async () => {
    const [a, b] = [
      await app('a'),
      await server((req, res) => void (req.url === '/healthz' ? res : res.destroy()).end()),
    ]
    const gateway = await start(
      [a.url, b.url],
      FAST,
      'outlierDetection: { consecutiveFailures: 2, baseEjection: 5m, endOnHealthy: true }',
    )
    const said = (message: string): boolean => gateway.operational.some((line) => line.message === message)
    await until(async () => {
      await gateway.get('/')
      return said('endpoint ejected')
    })
    await until(() => said('endpoint is back on probation'))
  })

  test('what is asked can be chosen: path, host, method, port', async () => {
    const a = await app('a')
    const health = await server((_req, res) => void res.end())
    await start(
      [a.url],
      `${FAST}, path: "/up?deep=1", host: "health.internal:8080", method: HEAD, port: ${health.port}`,
    )
    await until(() => health.seen.length > 1)
    const [seen] = health.seen
    expect(seen).toMatchObject({ method: 'HEAD', target: '/up?deep=1' })
    expect(seen && seenField(seen, 'host')).toBe('health.internal:8080')
    expect(a.state.checks).toBe(0)
    expect(await states()).toEqual(['usable'])
  })

  test('an endpoint that hangs is out at the deadline of its check', async () => {
    const [a, hung] = [await app('a'), await server(() => {})]
    const gateway = await start([a.url, hung.url], 'interval: 100ms, timeout: 300ms')
    await reaches('usable', 'unhealthy')
    expect(await why()).toBe('timeout')
    const before = hung.seen.filter(({ target }) => target === '/').length
    for (let i = 0; i < 10; i++) expect((await gateway.get('/')).body).toBe('a')
    expect(hung.seen.filter(({ target }) => target === '/')).toHaveLength(before)
  })

  test('tcp: a connection is enough', async () => {
    const raw = await tcpServer(() => {})
    ends.push(() => raw.close())
    const port = await closedPort()
    await start([`http://127.0.0.1:${raw.port}`, `http://127.0.0.1:${port}`], `${FAST}, type: tcp`)
    await reaches('usable', 'unhealthy')
    await until(() => raw.peers.length > 3 && raw.peers.slice(0, 3).every((peer) => peer.ended))
    expect(await why()).toBe('refused')
  })
})
