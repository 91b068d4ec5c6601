import type { RoutableConfig } from '../../src/data/routing/match.ts'
import { isRefusedTarget, normaliseTarget } from '../../src/data/routing/target.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { PATHS } from '../kit/lean.ts'
import { route, table } from '../kit/routes.ts'
import { median } from './median.ts'
import { tableOf } from './report.ts'
import { type Verdict, verdict } from './required.ts'

const SIZES = [10, 100, 1_000, 10_000]
const LOOK_UPS = 200_000
const ROUNDS = 5
/** A prime that divides no number of routes. */
const STRIDE = 7919
const HEADERS = ['Host', 'h', 'User-Agent', 'bench/1', 'Accept', '*/*']

const KINDS = ['exact', 'wildcard', 'prefix', 'params'] as const

/** One kind of look-up in a table of `routes` routes. */
export interface LookUp {
  readonly kind: string
  readonly routes: number
  readonly ns: number
  readonly steps: number
}

/**
 * What a look-up costs as routes grow, in this process: target to normal form, and route by exact host, wildcard host,
 * prefix on any host, parameters, and none at all (404). Takes some seconds.
 */
export function lookUps(): LookUp[] {
  measure(1_000, 'params')
  return [...KINDS, 'none' as const].flatMap((kind) => SIZES.map((size) => measure(size, kind)))
}

export function lookUpTable(found: readonly LookUp[]): string {
  return tableOf(
    ['look-up by', 'routes', 'ns', 'steps'],
    found.map(({ kind, routes, ns, steps }) => [kind, String(routes), ns.toFixed(0), steps.toFixed(1)]),
  )
}

/** Steps must not grow from the smallest table to the largest. */
export function lookUpVerdicts(found: readonly LookUp[]): Verdict[] {
  return [...new Set(found.map(({ kind }) => kind))].map((kind) => {
    const of = found.filter((one) => one.kind === kind)
    const [first, last] = [of[0] as LookUp, of.at(-1) as LookUp]
    const what = `steps of a look-up, ${last.routes} routes to ${first.routes}`
    return verdict({ what, scenario: kind, atMost: 1 }, last.steps / first.steps)
  })
}

function routesOf(size: number): RoutableConfig[] {
  return Array.from({ length: size }, (_, i) => {
    const kind = KINDS[i % KINDS.length]
    if (kind === 'exact') return route(`r${i}`, { hosts: [`h${i}.example.com`], paths: ['/*'] })
    if (kind === 'wildcard') return route(`r${i}`, { hosts: [`*.w${i}.example.com`], paths: ['/api/*'] })
    if (kind === 'prefix') return route(`r${i}`, { paths: [`/service-${i}/*`] })
    return route(`r${i}`, { paths: [`/tenant-${i}/users/{id}/orders/{order}`] })
  })
}

function request(kind: (typeof KINDS)[number] | 'none', i: number): { host: string; target: string } {
  if (kind === 'exact') return { host: `h${i}.example.com`, target: '/api/v1/orders/7?expand=lines' }
  if (kind === 'wildcard') return { host: `a.w${i}.example.com`, target: '/api/v1/orders/7?expand=lines' }
  if (kind === 'prefix') return { host: 'www.example.com', target: `/service-${i}/v1/orders/7` }
  if (kind === 'params') return { host: 'www.example.com', target: `/tenant-${i}/users/7/orders/8` }
  return { host: 'www.example.com', target: '/nothing/here' }
}

function measure(size: number, kind: (typeof KINDS)[number] | 'none'): LookUp {
  const routing = table(routesOf(size))
  const offset = kind === 'none' ? 0 : KINDS.indexOf(kind)
  // Every route of the kind in turn, neighbours far apart, so that no cache flatters the large tables.
  const sent = Array.from({ length: Math.max(1, Math.floor(size / KINDS.length)) }, (_, i) =>
    request(kind, offset + i * KINDS.length),
  )
  const times: number[] = []
  const before = routing.steps
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = systemClock.now()
    for (let i = 0; i < LOOK_UPS; i++) {
      const { host, target } = sent[(i * STRIDE) % sent.length] as (typeof sent)[number]
      const normal = normaliseTarget(target, PATHS, 'web')
      if (isRefusedTarget(normal)) throw new Error(normal.detail)
      const { path, query, readings } = normal
      const found = routing.find({ host, path, query, method: 'GET', headers: HEADERS, listener: 'web' }, readings)
      if ((found === undefined) !== (kind === 'none')) throw new Error(`${host}${target} found ${found}`)
    }
    times.push(((systemClock.now() - startedAt) * 1e6) / LOOK_UPS)
  }
  return { kind, routes: size, ns: median(times), steps: (routing.steps - before) / (ROUNDS * LOOK_UPS) }
}
