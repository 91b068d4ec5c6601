import { once } from 'node:events'
import { rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DnsServer, dnsServer } from '../../kit/dns.ts'
import { Load } from '../../kit/load.ts'
import { answers, logged } from '../../kit/reload.ts'
import { type Sluice, spawnSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'

let dns: DnsServer
let sluice: Sluice
let servers: Backend[]

/** A service on an address of this machine that counts its requests. */
interface Backend {
  readonly server: Server
  readonly host: string
  readonly port: number
  readonly url: string
  requests: number
}

async function backend(host = '127.0.0.1', port = 0): Promise<Backend> {
  const server = createServer((_req, res) => {
    made.requests++
    res.end(made.url)
  })
  server.listen(port, host)
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port
  const made: Backend = { server, host, port: bound, url: `http://${host}:${bound}`, requests: 0 }
  servers.push(made)
  return made
}

/** Several on one port: addresses of one name. */
async function backends(count: number): Promise<Backend[]> {
  const first = await backend('127.0.0.2')
  const others = Array.from({ length: count - 1 }, (_, i) => backend(`127.0.0.${i + 3}`, first.port))
  return [first, ...(await Promise.all(others))]
}

async function close({ server }: Backend): Promise<void> {
  server.closeAllConnections()
  if (server.listening) await new Promise((resolve) => server.close(resolve))
}

beforeEach(async () => {
  servers = []
  dns = await dnsServer()
})

afterEach(async () => {
  expect(await sluice.stop()).toBe(0)
  await dns.close()
  await Promise.all(servers.map(close))
})

async function start(endpoints: string, before: (folder: string) => Promise<void> = async () => {}): Promise<void> {
  const gateway = await spawnSluice(`${TOP}
dns: { servers: "${dns.address}" }
upstreams:
  app: { endpoints: ${endpoints} }
routes:
  app: { match: { path: /* }, to: app }
`)
  sluice = gateway
  await before(gateway.folder)
  await gateway.started()
}

async function known(): Promise<string[]> {
  const { endpoints } = JSON.parse((await sluice.admin('/api/v1/endpoints')).body) as {
    endpoints: { endpoint: string }[]
  }
  return endpoints.map(({ endpoint }) => endpoint).sort()
}

const reaches = (...wanted: Backend[]): Promise<void> =>
  until(
    async () => (await known()).join() === wanted.map(({ url }) => url).join(),
    () => `${wanted.map(({ url }) => url)}; ${sluice.stderr.slice(-2000)}`,
  )

/** Workers have taken it: of many requests none comes here any more. */
const left = (load: Load, ...gone: Backend[]): Promise<void> =>
  until(async () => {
    const before = gone.map(({ requests }) => requests)
    await load.more(200)
    return gone.every(({ requests }, i) => requests === before[i])
  })

describe('by dns', () => {
  test('under load all addresses change, twice, and no request fails', async () => {
    const all = await backends(4)
    const [a, b, c, d] = all as [Backend, Backend, Backend, Backend]
    dns.zones.set('app.test', { a: [a.host, b.host], aaaa: ['::1'] })
    await start(`{ dns: "app.test:${a.port}", every: 1s }`)
    expect(await known()).toEqual([a.url, b.url])
    const load = new Load({ port: sluice.port(), path: '/', parallel: 8 })
    await until(() => a.requests > 20 && b.requests > 20)
    dns.zones.set('app.test', { a: [c.host, d.host] })
    await reaches(c, d)
    await until(() => c.requests > 20 && d.requests > 20)
    await left(load, a, b)
    await Promise.all([close(a), close(b)])
    await load.more(500)
    await Promise.all([backend(a.host, a.port), backend(b.host, b.port)])
    dns.zones.set('app.test', { a: [a.host, b.host, c.host] })
    await reaches(a, b, c)
    await load.more(500)
    await load.stop()
    expect(load.broken, load.summary).toEqual([])
    expect([...load.statuses.keys()]).toEqual([200])
  })

  test('an empty or failing answer keeps the last known ones', async () => {
    const [a] = (await backends(1)) as [Backend]
    dns.zones.set('app.test', { a: [a.host] })
    await start(`{ dns: "app.test:${a.port}", every: 1s }`)
    dns.zones.set('app.test', { aaaa: ['::1'] })
    await logged(sluice, 'endpoints cannot be discovered, the last known ones stay')
    const asked = dns.queries.length
    dns.zones.delete('app.test')
    await until(() => dns.queries.length >= asked + 2)
    expect((await sluice.get('/')).body).toBe(a.url)
    await sluice.shows(
      /sluice_discovery_refreshes_total\{upstream="app",result="ok"\} [1-9]/,
      /sluice_discovery_refreshes_total\{upstream="app",result="failed"\} [1-9]/,
    )
    dns.zones.set('app.test', { a: [a.host] })
    await logged(sluice, 'endpoints are discovered again')
  })

  test('a name that comes later: no_endpoint until it is there', async () => {
    const [a] = (await backends(1)) as [Backend]
    await start(`{ dns: "app.test:${a.port}", every: 1s }`)
    expect((await sluice.get('/')).status).toBe(503)
    dns.zones.set('app.test', { a: [a.host] })
    await reaches(a)
    // The control plane knows it before workers do.
    await answers(sluice, '/', a.url)
  })

  test('srv: ports, weights and priorities', async () => {
    const [heavy, light, spare] = [await backend(), await backend(), await backend('127.0.0.2')]
    dns.zones.set('one.test', { a: ['127.0.0.1'] })
    dns.zones.set('two.test', { a: ['127.0.0.2'] })
    const records = [
      { priority: 10, weight: 30, port: heavy.port, target: 'one.test' },
      { priority: 10, weight: 10, port: light.port, target: 'one.test' },
      { priority: 20, weight: 10, port: spare.port, target: 'two.test' },
    ]
    dns.zones.set('_http._tcp.app.test', { srv: records })
    await start('{ dns: _http._tcp.app.test, type: srv, every: 1s }')
    const { upstreams } = (await sluice.status()) as never as {
      upstreams: { endpoints: { id: string; host: string; weight: number; tier: number }[] }[]
    }
    const seen = upstreams[0]?.endpoints.map(({ host, id, tier, weight }) => `${id} ${host} ${weight} ${tier}`)
    expect(seen?.sort()).toEqual(
      [`${heavy.url} one.test 30 0`, `${light.url} one.test 10 0`, `${spare.url} two.test 10 1`].sort(),
    )
    for (let i = 0; i < 20; i++) expect((await sluice.get('/')).status).toBe(200)
    expect([heavy.requests + light.requests, spare.requests]).toEqual([20, 0])
    // Only priorities change: the spare is first now.
    dns.zones.set('_http._tcp.app.test', {
      srv: records.map((record) => ({ ...record, priority: 30 - record.priority })),
    })
    await until(async () => (await sluice.get('/')).body === spare.url)
    dns.zones.set('_http._tcp.app.test', { srv: records.slice(2) })
    await reaches(spare)
  })
})

describe('by a file', () => {
  const put = async (text: string): Promise<void> => {
    const file = join(sluice.folder, 'endpoints.yaml')
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
  }

  test('is read again when it changes; under load no request fails', async () => {
    const [a, b] = [await backend(), await backend()]
    // So rarely that only the change itself can be why.
    await start('{ file: endpoints.yaml, every: 1h }', (folder) =>
      writeFile(join(folder, 'endpoints.yaml'), `- ${a.url}\n`),
    )
    await reaches(a)
    const load = new Load({ port: sluice.port(), path: '/', parallel: 8 })
    await load.more(50)
    await put(JSON.stringify([b.url]))
    await reaches(b)
    await left(load, a)
    await load.stop()
    expect(load.broken, load.summary).toEqual([])
    expect([...load.statuses.keys()]).toEqual([200])
  })

  test('broken, empty or gone: the last known ones stay', async () => {
    const a = await backend()
    await start('{ file: endpoints.yaml, every: 1s }', (folder) =>
      writeFile(join(folder, 'endpoints.yaml'), `- ${a.url}\n`),
    )
    await reaches(a)
    const failed = async (): Promise<number> =>
      Number(/upstream="app",result="failed"\} (\d+)/.exec((await sluice.probe('/metrics')).body)?.[1] ?? 0)
    for (const bad of ['- http://a:b:c\n', '[]', '', undefined]) {
      const before = await failed()
      if (bad === undefined) await rm(join(sluice.folder, 'endpoints.yaml'))
      else await put(bad)
      await until(async () => (await failed()) >= before + 2)
      expect(await known()).toEqual([a.url])
    }
    expect(await logged(sluice, 'endpoints cannot be discovered, the last known ones stay')).toMatchObject({
      level: 'warn',
      upstream: 'app',
      from: 'endpoints.yaml',
      known: 1,
    })
    const b = await backend()
    await put(`- ${b.url}\n`)
    await reaches(b)
    await logged(sluice, 'endpoints are discovered again')
  })
})
