import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import type { RouteConfig } from '../../../src/core/config.ts'
import { type Random, seededRandom } from '../../../src/lib/random.ts'
import { field, type HttpClient, httpClient, type WireAnswer } from '../../kit/client.ts'
import { pick } from '../../kit/malformed.ts'
import { type Nginx, startNginx, withoutNginx } from '../../kit/nginx.ts'
import { READERS, type Reader } from '../../kit/readers.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { reference } from '../../unit/data/routing/reference.ts'

const REQUESTS = 600
const SEED = 20_261_130
const PIECES = [
  ...[
    '/',
    '/',
    '/',
    '//',
    '%2f',
    '%2F',
    '\\',
    '%5c',
    ';',
    ';x',
    '%3b',
    '..;',
    '.',
    '%2e',
    '%2E.',
    '%00',
    '%',
    '%c0%af',
  ],
  ...['admin', 'admin/', 's/admin/', 't/1/s/', '%61dmin', 's', 't/', 'w/', 'p/', 'a%2520b', '%7e', '*', 'x=1', '!'],
]
const ROUTES = [
  'admin: { match: { path: /admin/* }',
  'deep: { match: { path: /s/admin/* }',
  'tenant: { match: { path: "/t/{tenant}/s/*" }',
  'two: { match: { path: "/{a}/{b}" }',
  'whole: { match: { path: /w/* }, rewrite: { stripPrefix: /w }',
  'rest: { match: { path: /* }',
]

/** Reads `$uri`: what locations are matched on, octet by octet. */
const ECHO = 'default_type application/octet-stream; location / { return 200 "$uri"; }'

describe.skipIf(withoutNginx())('a real nginx', () => {
  let nginx: Nginx
  let sluice: Sluice
  let routes: readonly RouteConfig[]

  beforeAll(async () => {
    nginx = await startNginx(ECHO)
    const listeners = 'merge: { listen: "127.0.0.1:0", pathPolicy: { slashes: merge, dots: normalise } }'
    sluice = await startSluice(`${TOP.replace('listeners:\n', `listeners:\n  ${listeners}\n`)}
upstreams: { app: { endpoints: ["http://127.0.0.1:${nginx.port}"] } }
routes:
${ROUTES.map((route) => `  ${route}, to: app, headers: { response: { set: { x-route: ${route.split(':')[0]} } } } }`).join('\n')}
`)
    const { config } = await loadConfig(`${sluice.folder}/sluice.yaml`, loadDeps({}))
    routes = config?.lean.routes ?? []
  })

  afterAll(async () => {
    expect(await sluice.stop()).toBe(0)
    await nginx.stop()
  })

  function routeOf(path: string): string | undefined {
    const found = reference(routes, { host: 'h', path, query: '', method: 'GET', headers: [], listener: 'web' })
    return found !== undefined && 'value' in found ? found.value : undefined
  }

  test('reads as its model does', async () => {
    const random = seededRandom(SEED)
    const model = READERS.find(({ name }) => name === 'nginx') as Reader
    for (let i = 0; i < REQUESTS; i++) {
      const path = target(random)
      if (/%(?![0-9a-f]{2})/i.test(path)) continue
      const { status, body } = await ask(nginx.port, path)
      // Above the root there is nothing; the model stays there, nginx refuses.
      if (status === 400) continue
      expect(body, path).toBe(model.read(path))
    }
  })

  test.each(['web', 'merge'])('behind listener %s it reads the route that was chosen', async (listener) => {
    const random = seededRandom(SEED + 1)
    const outcomes = new Map<string, number>()
    for (let i = 0; i < REQUESTS; i++) {
      const path = target(random)
      const answer = await ask(sluice.port(listener), random.float() < 0.2 ? `http://h${path}` : path)
      const route = field(answer, 'x-route')
      const what = route ?? String(answer.status)
      outcomes.set(what, (outcomes.get(what) ?? 0) + 1)
      if (route === undefined || answer.status !== 200) continue
      const read = route === 'whole' ? `/w${answer.body}` : answer.body
      expect(routeOf(read), `${path} went to ${route}, and nginx read ${answer.body}`).toBe(route)
    }
    for (const name of [...routes.map(({ name }) => name), '400'])
      expect(outcomes.get(name) ?? 0, name).toBeGreaterThan(3)
  })
})

function target(random: Random): string {
  const length = 1 + Math.floor(random.float() * 5)
  return `/${Array.from({ length }, () => pick(random, PIECES)).join('')}`
}

async function ask(port: number, path: string): Promise<WireAnswer> {
  const client: HttpClient = await httpClient(port)
  client.send(`GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
  const answer = await client.answer()
  client.close()
  return answer
}
