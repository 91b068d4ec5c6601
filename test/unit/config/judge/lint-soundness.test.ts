import { expect, test } from 'vitest'
import { loadConfig } from '../../../../src/config/load.ts'
import { loadDeps } from '../../../../src/config/load-deps.ts'
import type { LookUp } from '../../../../src/data/routing/search.ts'
import { type Random, seededRandom } from '../../../../src/lib/random.ts'
import { table } from '../../../kit/routes.ts'

const HOSTS = ['a.com', 'x.a.com', '*.a.com', '*.com']
const SENT_HOSTS = ['a.com', 'x.a.com', 'y.x.a.com', 'b.com', 'c.org']
const SEGMENTS = ['a', 'b', '']
const REGEXES = ['~ ^/a.*$', '~ ^/[ab]/(b|c)+$', '~ ^/.*b$', '~ ^/a$']
const METHODS = ['GET', 'HEAD', 'POST']
const CONDITIONS = [{ present: true }, { absent: true }, '1', '12', { prefix: '1' }, { suffix: '2' }]
const VALUES = ['1', '2', '12', '']

function pick<E>(random: Random, from: readonly E[]): E {
  return from[random.uint32() % from.length] as E
}

function chance(random: Random, one: number): boolean {
  return random.uint32() % one === 0
}

function path(random: Random): string {
  if (chance(random, 4)) return pick(random, REGEXES)
  const names = ['{p}', '{q}']
  const length = random.uint32() % 3
  const segments = Array.from({ length }, (_, i) => (chance(random, 3) ? (names[i] as string) : pick(random, SEGMENTS)))
  const source = segments.map((segment) => `/${segment}`).join('')
  return source === '' || chance(random, 2) ? `${source}/*` : source
}

function route(random: Random): object {
  const match = {
    ...(chance(random, 2) && { host: pick(random, HOSTS) }),
    ...(chance(random, 4) ? {} : { path: path(random) }),
    ...(chance(random, 3) && { methods: pick(random, METHODS) }),
    ...(chance(random, 3) && { headers: { k: pick(random, CONDITIONS) } }),
    ...(chance(random, 4) && { query: { k: pick(random, CONDITIONS) } }),
  }
  return { match, precedence: random.uint32() % 3, respond: {} }
}

/** Every request of a small world. */
function requests(): LookUp[] {
  const paths = [
    '/',
    ...SEGMENTS.map((a) => `/${a}`),
    ...['a', 'b', 'x'].flatMap((a) => ['a', 'b', 'c', ''].map((b) => `/${a}/${b}`)),
  ]
  paths.push('/a/b/b', '/x/x/x', '/ab', '/xb')
  const fields = [[], ...VALUES.map((value) => ['k', value])]
  return SENT_HOSTS.flatMap((host) =>
    paths.flatMap((sent) =>
      METHODS.flatMap((method) =>
        fields.flatMap((headers) =>
          fields.map(([name, value]) => ({
            host,
            path: sent,
            query: name === undefined ? '' : `?${name}=${value}`,
            method,
            headers,
            listener: 'web',
          })),
        ),
      ),
    ),
  )
}

test('what route-never-matches finds is reached by no request, whichever routes there are', async () => {
  const random = seededRandom(5)
  const all = requests()
  let [found, hidden, rounds] = [0, 0, 0]
  while (rounds < 300) {
    const routes = Object.fromEntries(
      Array.from({ length: 2 + (random.uint32() % 4) }, (_, i) => [`r${i}`, route(random)]),
    )
    const text = JSON.stringify({ apiVersion: 'sluice/v1', listeners: { web: { listen: '127.0.0.1:80' } }, routes })
    const { config, diagnostics } = await loadConfig('a.yaml', {
      ...loadDeps({}),
      readFile: async () => Buffer.from(text),
    })
    // Routes that tie.
    if (config === undefined) continue
    rounds++
    const own = table(config.lean.routes)
    const reached = new Set<string>()
    for (const request of all) {
      const hit = own.find(request, undefined)
      if (hit !== undefined && 'value' in hit) reached.add(hit.value)
    }
    const told = diagnostics.filter(({ lint, path: at }) => lint === 'route-never-matches' && /^routes\.r\d$/.test(at))
    for (const { path: at, message } of told)
      expect(reached.has(at.slice('routes.'.length)), `${message} ${text}`).toBe(false)
    found += told.length
    hidden += config.lean.routes.filter(({ name }) => !reached.has(name)).length
  }
  expect(found).toBeGreaterThan(10)
  // The world is small, and routes that only several others together hide are not told.
  expect(found / hidden).toBeGreaterThan(0.5)
})
