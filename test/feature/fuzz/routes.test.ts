import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import type { RouteConfig } from '../../../src/core/config.ts'
import { isRefusedTarget, normaliseTarget } from '../../../src/data/routing/target.ts'
import { type Random, seededRandom } from '../../../src/lib/random.ts'
import { field, httpClient } from '../../kit/client.ts'
import { PATHS } from '../../kit/lean.ts'
import { pick } from '../../kit/malformed.ts'
import { READERS, received } from '../../kit/readers.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { seenField, type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { reference } from '../../unit/data/routing/reference.ts'

const REQUESTS = 4000
const CLIENTS = 8
const SEED = 20_261_126

const HOSTS = ['a.test', 'b.a.test', 'x.y.test', 'y.test', '[::1]']
const SEGMENTS = [
  'a',
  'b',
  'A',
  'a%62',
  '%61',
  'a%2fb',
  'a%2Eb',
  '..',
  '.',
  '%2e',
  '%2e%2e',
  '',
  '',
  'é',
  '%C3%A9',
  'a;b=1',
  ';',
  'b;',
  'w;x',
  '%3Bb',
  '..;',
  'w',
  'w',
  'u',
  'p',
  '%77',
  '%62',
  'a%5cb',
  '%C0%AFb',
  '%c1%a1',
  'a%252fb',
  'a%20b',
  'a%00',
  'a\\b',
  '*',
  '~u',
  '%7Eu',
  '%zz',
  '%',
]
const USUAL = ['a', 'a', 'b', 'b', '~u', 'w', 'u', 'p']
const QUERIES = ['', '', '?', '?a=1', '?a=%31&b', '?x=/../y', '?%00']

const ROUTES = [
  'exact: { match: { host: a.test, path: /a/b }',
  'prefix: { match: { host: a.test, path: /a/* }',
  'wild: { match: { host: "*.a.test", path: /a/* }',
  'param: { match: { path: "/a/{id}" }',
  'deep: { match: { path: "/a/{id}/b/*" }',
  'query: { match: { path: /b/*, query: { a: "1" } }',
  'posted: { match: { path: /b/*, methods: [POST] }',
  'b: { match: { path: /b/* }',
  'regex: { match: { path: "~ ^/~u/[a-z]+$" }',
  'whole: { match: { path: /w/* }, rewrite: { stripPrefix: /w }',
  'part: { match: { path: /w/b/* }, rewrite: { replacePrefix: { from: /w/b/a, to: /n } }',
  'turned: { match: { path: "/u/{x}/{y}" }, rewrite: { path: "/v/{y}/{x}" }',
  'kept: { match: { path: "/p/{name}" }, encodedSlashes: keep',
  'rest: { match: { host: y.test, path: /* }',
]

/** What a route makes of a path, as its rewrite says. */
const REWRITES: Readonly<Record<string, (path: string) => string>> = {
  whole: (path) => path.replace(/^\/w(?=\/|$)/, '').replace(/^$/, '/'),
  part: (path) => path.replace(/^\/w\/b\/a(?=\/|$)/, '/n'),
  turned: (path) => path.replace(/^\/u\/([^/]*)\/([^/]*)$/, '/v/$2/$1'),
}

let upstream: TestUpstream
let sluice: Sluice
let routes: readonly RouteConfig[]

beforeAll(async () => {
  upstream = await testUpstream()
  sluice = await startSluice(`${TOP}
upstreams: { app: { endpoints: ["${upstream.url}"], connections: { max: 64 } } }
routes:
${ROUTES.map(
  (route) =>
    `  ${route}, to: app, headers: { response: { set: { x-route: ${route.split(':')[0]} } }, request: { set: { x-n: keep } } } }`,
)
  .join('\n')
  .replaceAll('x-n: keep', 'x-kept: "1"')}
`)
  const { config } = await loadConfig(`${sluice.folder}/sluice.yaml`, loadDeps({}))
  routes = config?.lean.routes ?? []
  expect(routes).toHaveLength(ROUTES.length)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

function target(random: Random): string {
  const segments = Array.from({ length: 1 + Math.floor(random.float() * 4) }, () =>
    pick(random, random.float() < 0.6 ? USUAL : SEGMENTS),
  )
  return `/${segments.join('/')}${pick(random, QUERIES)}`
}

/** Name of the route that the plain rules choose for a path. */
function routeOf(seen: TestUpstream['seen'][0], path: string): string | undefined {
  const host = (seenField(seen, 'host') ?? '').toLowerCase().replace(/:\d+$/, '')
  const query = seen.target.slice(seen.target.split('?', 1)[0]?.length)
  const found = reference(routes, { host, path, query, method: seen.method, headers: [], listener: 'web' })
  return found !== undefined && 'value' in found ? found.value : undefined
}

/** However a server reads what it got, it is what it would have read in what was sent, and leads to the route that was chosen. */
function holds(sent: string, seen: TestUpstream['seen'][0], route: string, context: string): void {
  const rewrite = REWRITES[route]
  const path = (target: string): string => target.split('?', 1)[0] as string
  for (const reader of READERS) {
    if (route === 'kept' && reader.decodesSlashes) continue
    const got = reader.read(path(seen.target))
    if (got === undefined) continue
    const meant = reader.read(path(sent))
    const isRight =
      rewrite === undefined
        ? routeOf(seen, got) === route
        : meant === undefined ||
          (received(reader, got) === received(reader, rewrite(meant)) &&
            (!reader.decodes || routeOf(seen, meant) === route))
    if (!isRight) expect.fail(`${context}, got ${seen.target}, which ${reader.name} reads ${got}`)
  }
}

test(`${REQUESTS} requests: what the upstream got is what was sent, and leads to the route that was chosen`, async () => {
  const random = seededRandom(SEED)
  const outcomes = new Map<string, number>()
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, index) => {
      for (let i = 0; i < REQUESTS / CLIENTS; i++) {
        const method = pick(random, ['GET', 'GET', 'POST', 'HEAD'])
        const path = target(random)
        const host = pick(random, HOSTS)
        const id = `${index}-${i}`
        const client = await httpClient(sluice.port())
        const length = method === 'POST' ? 'Content-Length: 0\r\n' : ''
        client.send(Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nX-Id: ${id}\r\n${length}\r\n`, 'utf8'))
        const answer = await client.answer(method)
        client.close()
        const context = `${method} ${path} of ${host}: ${answer.status} ${field(answer, 'x-route')}`
        const seen = upstream.seen.findLast((request) => seenField(request, 'x-id') === id)
        const route = field(answer, 'x-route')
        outcomes.set(route ?? String(answer.status), (outcomes.get(route ?? String(answer.status)) ?? 0) + 1)
        if (answer.status !== 200) {
          expect(seen, context).toBe(undefined)
          expect([400, 404, 405], context).toContain(answer.status)
          continue
        }
        // Byte for byte as it was sent, or in normal form where servers could take it for another path.
        const normal = normaliseTarget(Buffer.from(path).toString('latin1'), PATHS, 'web')
        if (isRefusedTarget(normal)) throw new Error(context)
        if (REWRITES[route as string] === undefined)
          expect([path, normal.path + normal.query], context).toContain(seen?.target)
        expect(seenField(seen as never, 'host'), context).toBe(host)
        holds(normal.path, seen as TestUpstream['seen'][0], route as string, context)
      }
    }),
  )
  // Every route is reached, and there is something to refuse.
  for (const name of [...routes.map((route) => route.name), '400'])
    expect(outcomes.get(name) ?? 0, name).toBeGreaterThan(3)
}, 120_000)
