import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type DnsServer, dnsServer } from '../../kit/dns.ts'
import { type Answer, type Sluice, spawnSluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { TestUpstream, testUpstream } from '../../kit/upstream.ts'

let sluice: Sluice | undefined
let dns: DnsServer | undefined
const upstreams: TestUpstream[] = []

afterEach(async () => {
  if (sluice !== undefined) expect(await sluice.stop()).toBe(0)
  sluice = undefined
  for (const upstream of upstreams.splice(0)) await upstream.close()
  await dns?.close()
  dns = undefined
})

/** Each answers with its number. */
async function three(): Promise<[TestUpstream, TestUpstream, TestUpstream]> {
  for (let i = 0; i < 3; i++) upstreams.push(await testUpstream((_req, res) => void res.end(String(i))))
  return upstreams as [TestUpstream, TestUpstream, TestUpstream]
}

async function start(upstream: string, top = '', workers = 2): Promise<Sluice> {
  sluice = await startSluice(
    `${TOP.replace('workers: 2', `workers: ${workers}`)}${top}
upstreams:
  app: ${upstream}
routes:
  app: { match: { path: /* }, to: app, retries: off }
`,
    { env: { STICKY_KEY: 'not to be seen' } },
  )
  return sluice
}

const urls = (): string => upstreams.map(({ url }) => JSON.stringify(url)).join(', ')

async function bodies(count: number, ask: (i: number) => Promise<Answer>): Promise<string[]> {
  const got: string[] = []
  for (let i = 0; i < count; i++) got.push((await ask(i)).body)
  return got
}

describe('keys', () => {
  const members: TestUpstream[] = []
  let gateway: Sluice

  beforeAll(async () => {
    for (let i = 0; i < 3; i++) members.push(await testUpstream((_req, res) => void res.end(String(i))))
    const endpoints = `endpoints: [${members.map(({ url }) => JSON.stringify(url)).join(', ')}]`
    gateway = await startSluice(`${TOP}
defaults: { route: { retries: off } }
upstreams:
  ring-hash: { loadBalancing: { algorithm: ring-hash, hashOn: { header: X-User } }, ${endpoints} }
  maglev: { loadBalancing: { algorithm: maglev, hashOn: { header: X-User } }, ${endpoints} }
  sources: { loadBalancing: { algorithm: maglev, hashOn: [{ cookie: session }, { query: user }, { path: true }] }, ${endpoints} }
  shards: { subset: { size: 2, hashOn: { header: x-user } }, ${endpoints} }
routes:
  ring-hash: { match: { path: /ring-hash }, to: ring-hash }
  maglev: { match: { path: /maglev }, to: maglev }
  sources: { match: { path: /sources/* }, to: sources }
  shards: { match: { path: /shards }, to: shards }
`)
  })

  afterAll(async () => {
    expect(await gateway?.stop()).toBe(0)
    for (const member of members) await member.close()
  })

  test.each(['ring-hash', 'maglev'])(
    '%s: the same header goes to the same endpoint on every worker',
    async (algorithm) => {
      const ask = (user: number) => gateway.get(`/${algorithm}`, { 'x-user': `user-${user}` })
      for (let user = 0; user < 12; user++) {
        const got = await bodies(8, () => ask(user))
        expect(new Set(got).size).toBe(1)
      }
      // As many as it takes that no endpoint is without a user by chance: their ports differ from run to run.
      const owners = await bodies(200, ask)
      expect(new Set(owners).size).toBe(3)
      const without = await bodies(40, () => gateway.get(`/${algorithm}`))
      expect(new Set(without).size).toBe(3)
    },
  )

  test('the first source that a request has counts: cookie, query, then path', async () => {
    const byCookie = await bodies(12, (i) => gateway.get(`/sources/${i}?user=${i}`, { cookie: 'a=b; session=s1' }))
    const byQuery = await bodies(12, (i) => gateway.get(`/sources/${i}?x=${i}&user=s1`))
    const byPath = await bodies(12, (i) => gateway.get(`/sources/s1?x=${i}`))
    for (const got of [byCookie, byQuery, byPath]) expect(new Set(got).size).toBe(1)
    // The same text gives the same key, wherever it stands.
    expect(byCookie[0]).toBe(byQuery[0])
    const paths = await bodies(60, (i) => gateway.get(`/sources/${i}`))
    expect(new Set(paths).size).toBe(3)
  })

  test('a shuffle-sharded client sees its own endpoints only', async () => {
    const sets = new Set<string>()
    for (let user = 0; user < 20; user++) {
      const got = new Set(await bodies(30, () => gateway.get('/shards', { 'x-user': `user-${user}` })))
      expect(got.size).toBe(2)
      sets.add([...got].sort().join(''))
    }
    expect(sets.size).toBeGreaterThan(1)
  })
})

describe('sticky cookies', () => {
  const sticky = 'sticky: { cookie: server, ttl: 1h, secret: { env: STICKY_KEY } }'

  function cookieOf({ headers }: Answer): string | undefined {
    return headers['set-cookie']
  }

  test('a client stays where its cookie ties it; the cookie is set once, by no failing answer, and shows nothing', async () => {
    await three()
    const gateway = await start(`{ loadBalancing: { ${sticky} }, endpoints: [${urls()}] }`)
    const seen = new Map<string, string>()
    for (let i = 0; i < 20; i++) {
      const answer = await gateway.get('/')
      const field = cookieOf(answer) as string
      expect(field).toMatch(/^server=[\w-]{24}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=3600$/)
      seen.set(field.split(';')[0] as string, answer.body)
    }
    expect(new Set(seen.values()).size).toBe(seen.size)
    for (const [cookie, body] of seen) {
      for (let i = 0; i < 10; i++) {
        const again = await gateway.get('/', { cookie: `x=y; ${cookie}` })
        expect([again.body, cookieOf(again)]).toEqual([body, undefined])
      }
    }
    const forged = await gateway.get('/', { cookie: 'server=AAAAAAAAAAAAAAAAAAAAAAAA' })
    expect(cookieOf(forged)).toMatch(/^server=/)
    expect(gateway.stdout + gateway.stderr + JSON.stringify(await gateway.status())).not.toContain('not to be seen')
    // A failing answer ties nobody.
    for (const upstream of upstreams) upstream.script = (_req, res) => void res.writeHead(503).end()
    const failed = await gateway.get('/')
    expect([failed.status, cookieOf(failed)]).toEqual([503, undefined])
  })

  test('an endpoint departs: its clients go on elsewhere with a new cookie', async () => {
    const [a, b] = await three()
    dns = await dnsServer()
    dns.zones.set('a.test', { a: ['127.0.0.1'] })
    dns.zones.set('b.test', { a: ['127.0.0.1'] })
    const gateway = await start(
      `{ loadBalancing: { ${sticky} }, endpoints: [ "http://a.test:${a.port}", { url: "http://b.test:${b.port}", tier: 1 } ] }`,
      `dns: { servers: "${dns.address}", every: 1s }\n`,
      1,
    )
    const first = await gateway.get('/')
    expect(first.body).toBe('0')
    const cookie = cookieOf(first)?.split(';')[0] as string
    // The name moves to another address: the endpoint that the cookie names is gone.
    dns.zones.set('a.test', { a: ['127.0.0.2'] })
    const { port } = a
    await a.close()
    await until(async () => JSON.stringify(await gateway.status()).includes('127.0.0.2'), 'the new address is known')
    upstreams.push(await new TestUpstream((_req, res) => void res.end('moved'), undefined).listen(port, '127.0.0.2'))
    let next = first
    await until(async () => {
      next = await gateway.get('/', { cookie })
      return next.body === 'moved'
    }, 'the worker knows it, too')
    const renewed = cookieOf(next)?.split(';')[0]
    expect(renewed).not.toBe(cookie)
    expect(cookieOf(await gateway.get('/', { cookie: renewed as string }))).toBeUndefined()
  })

  test('without its secret the gateway does not start, and says which', async () => {
    const file = join(tmpdir(), `sluice-empty-${process.pid}`)
    writeFileSync(file, '\n')
    const refused = await spawnSluice(`${TOP}
upstreams: { app: { loadBalancing: { sticky: { cookie: c, secret: { file: ${file} } } }, endpoints: ["http://127.0.0.1:1"] } }
routes: { app: { match: { path: /* }, to: app } }
`)
    expect(await refused.exited()).not.toBe(0)
    expect(refused.stderr).toContain('upstreams.app.loadBalancing.sticky.secret: the secret is not there or empty')
    expect(await refused.stop()).not.toBe(0)
  })
})

describe('endpoints', () => {
  test('maxConcurrent holds over all workers; when all are full the answer is pool_full', async () => {
    const held: (() => void)[] = []
    for (let i = 0; i < 2; i++) {
      upstreams.push(await testUpstream((_req, res) => void held.push(() => res.end(String(i)))))
    }
    const [a, b] = upstreams as [TestUpstream, TestUpstream]
    const gateway = await start(`{ loadBalancing: { algorithm: round-robin }, endpoints: [
      { url: "${a.url}", maxConcurrent: 2 }, { url: "${b.url}", maxConcurrent: 3 } ] }`)
    const running = Array.from({ length: 12 }, () => gateway.get('/'))
    const refused = Promise.all(running).then((answers) => answers.filter(({ status }) => status === 503))
    await until(() => held.length === 5, 'five requests are held')
    await until(
      () => gateway.log.filter(({ reason }) => reason === 'pool_full').length === 7,
      'seven requests are refused',
    )
    expect([a.seen.length, b.seen.length]).toEqual([2, 3])
    for (const finish of held) finish()
    const answers = await refused
    expect(answers).toHaveLength(7)
    for (const answer of answers) expect(answer.body).toContain('pool_full')
    // There is room again.
    for (const upstream of upstreams) upstream.script = (_req, res) => void res.end()
    expect((await gateway.get('/')).status).toBe(200)
  })

  test('a zone is preferred, and helped out when it has more than its part', async () => {
    const held: (() => void)[] = []
    await three()
    const [near, far, other] = upstreams as [TestUpstream, TestUpstream, TestUpstream]
    // A worker may count a request as in flight when its client has the answer already: one for each of the two workers
    // must not tip the scales, neither of the one endpoint that is near nor of the heavy ones that are far.
    const gateway = await start(`{ loadBalancing: { zone: { prefer: a, spillOver: 250% } }, endpoints: [
      { url: "${near.url}", zone: a },
      { url: "${far.url}", zone: b, weight: 10 }, { url: "${other.url}", zone: c, weight: 10 } ] }`)
    expect(new Set(await bodies(20, () => gateway.get('/')))).toEqual(new Set(['0']))
    near.script = (_req, res) => void held.push(() => res.end())
    const running = [gateway.get('/'), gateway.get('/'), gateway.get('/')]
    await until(() => held.length === 3, 'three requests are held')
    const got = await bodies(20, () => gateway.get('/'))
    expect(got.every((body) => body === '1' || body === '2')).toBe(true)
    for (const finish of held) finish()
    await Promise.all(running)
  })
})
