import { printable } from './columns.ts'
import type { EndpointRates, LastingList, Rates, RouteRates, UpstreamRates } from './top-rates.ts'

/** By what routes and upstreams are sorted, the largest first; names the other way. */
export const SORT_KEYS = ['rate', 'errors', 'p99', 'inflight', 'queue', 'name'] as const

export type SortKey = (typeof SORT_KEYS)[number]

export interface ViewOptions {
  readonly sort: SortKey
  /** Only names that contain it; empty: all. */
  readonly filter: string
  /** Lines that routes and upstreams may take each; Infinity: all. */
  readonly rows: number
}

/** A line of the screen. `bad` and `warn` are also expressed in words. */
export interface Line {
  readonly text: string
  readonly tone: 'title' | 'plain' | 'warn' | 'bad'
}

const ROUTE_HEAD = ['ROUTE', 'req/s', 'errors', 'p50', 'p99', 'in flight', 'queue', 'tunnels', 'retries/s', 'refused/s']
const UPSTREAM_HEAD = ['UPSTREAM', 'attempts/s', 'failed', 'p50', 'p99', 'in flight', 'usable', '']

/** The gateway in one line. */
export function headline(rates: Rates): string {
  const { errorRatio, gateway, generation, hash, rate, workers } = rates
  const serving = workers.filter(({ state }) => state === 'serving').length
  const busy = workers.reduce((most, { utilization }) => Math.max(most, utilization), 0)
  const stage = workers.reduce((most, { overload }) => Math.max(most, overload), 0)
  const overload = stage === 0 ? '' : `, OVERLOAD stage ${stage}`
  return (
    `${gateway}  config ${hash?.slice(0, 8) ?? '-'} (${generation})  workers ${serving}/${workers.length}, busy ${percent(busy)}` +
    `${overload}  ${number(rate)} req/s, ${percent(errorRatio)} errors`
  )
}

/** The tables of routes and upstreams. */
export function tables(rates: Rates, { filter, rows, sort }: ViewOptions): Line[] {
  const named = <T extends { readonly name: string }>(list: readonly T[]): T[] =>
    list.filter(({ name }) => name.includes(filter))
  const routes = sorted(named(rates.routes), sort, routeValue)
  const upstreams = sorted(named(rates.upstreams), sort, upstreamValue)
  // A column for each.
  const ofRoutes = rates.lasting.filter(({ shape }) => shape.labels.includes('route'))
  return [
    ...aligned(
      [...ROUTE_HEAD, ...ofRoutes.map(({ shape }) => shape.kind)],
      routes.map((route) => routeLine(route, troublesOf(ofRoutes, route.name))),
      rows,
    ),
    { text: '', tone: 'plain' },
    ...aligned(UPSTREAM_HEAD, upstreams.flatMap(upstreamLines), rows),
  ]
}

interface Row {
  readonly cells: readonly string[]
  readonly tone: Line['tone']
}

interface Trouble {
  readonly state: string
  readonly tone: 'warn' | 'bad'
}

/** One for each table: the latest of the route that is not as it should be; undefined: all is well. */
function troublesOf(lasting: readonly LastingList[], name: string): readonly (Trouble | undefined)[] {
  return lasting.map(({ rows, shape }) => {
    const found = rows.findLast(({ route, state }) => route === name && state !== shape.normal)
    if (found === undefined) return undefined
    const { state = '' } = found
    return { state, tone: shape.levels[state] === 'bad' ? 'bad' : 'warn' }
  })
}

function routeLine(route: RouteRates, troubles: readonly (Trouble | undefined)[]): Row {
  const { errorRatio, inFlight, limit, name, p50Ms, p99Ms, queued, rate, rejectedRate, retryRate, tunnels } = route
  const held = limit === null ? String(inFlight) : `${inFlight}/${limit}`
  const bad = (errorRatio ?? 0) >= 0.05 || troubles.some((trouble) => trouble?.tone === 'bad')
  const warn = (errorRatio ?? 0) > 0 || troubles.some((trouble) => trouble !== undefined)
  const tone = bad ? 'bad' : warn ? 'warn' : 'plain'
  return {
    cells: [
      name,
      number(rate),
      percent(errorRatio),
      time(p50Ms),
      time(p99Ms),
      held,
      String(queued),
      String(tunnels),
      number(retryRate),
      number(rejectedRate),
      ...troubles.map((trouble) => trouble?.state ?? ''),
    ],
    tone,
  }
}

/** Below an upstream stand those of its endpoints that are not usable. */
function upstreamLines(upstream: UpstreamRates): Row[] {
  const { endpoints, failureRatio, name, p50Ms, p99Ms, panic, rate } = upstream
  const usable = endpoints.filter(({ state }) => state === 'usable').length
  const none = usable === 0
  const tone = none || (failureRatio ?? 0) >= 0.05 ? 'bad' : usable < endpoints.length || panic ? 'warn' : 'plain'
  const inFlight = endpoints.reduce((sum, endpoint) => sum + endpoint.inFlight, 0)
  const facts = [number(rate), percent(failureRatio), time(p50Ms), time(p99Ms), String(inFlight)]
  const row: Row = { cells: [name, ...facts, `${usable}/${endpoints.length}`, panic ? 'panic' : ''], tone }
  return [row, ...endpoints.filter(({ state }) => state !== 'usable').map(endpointLine)]
}

function endpointLine({ endpoint, failureRatio, inFlight, rate, state }: EndpointRates): Row {
  const cells = [`  ${endpoint}`, number(rate), percent(failureRatio), '', '', String(inFlight), state, '']
  return { cells, tone: 'warn' }
}

function sorted<T extends { readonly name: string }>(
  list: T[],
  key: SortKey,
  value: (item: T, key: SortKey) => number,
): T[] {
  const byName = (a: T, b: T): number => (a.name < b.name ? -1 : 1)
  if (key === 'name') return list.sort(byName)
  return list.sort((a, b) => value(b, key) - value(a, key) || byName(a, b))
}

function routeValue(route: RouteRates, key: SortKey): number {
  if (key === 'errors') return route.errorRatio ?? 0
  if (key === 'p99') return route.p99Ms ?? 0
  if (key === 'inflight') return route.inFlight
  return key === 'queue' ? route.queued : route.rate
}

function upstreamValue(upstream: UpstreamRates, key: SortKey): number {
  if (key === 'errors') return upstream.failureRatio ?? 0
  if (key === 'p99') return upstream.p99Ms ?? 0
  if (key === 'inflight') return upstream.endpoints.reduce((sum, { inFlight }) => sum + inFlight, 0)
  return upstream.rate
}

/** The first column to the left, numbers to the right. What does not fit is counted. */
function aligned(head: readonly string[], rows: readonly Row[], most: number): Line[] {
  const fit = rows.length <= most ? rows : rows.slice(0, Math.max(0, most - 1))
  const widths = head.map((title, i) => Math.max(title.length, ...fit.map(({ cells }) => (cells[i] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    printable(
      cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    )
  const lines: Line[] = [{ text: line(head), tone: 'title' }]
  for (const { cells, tone } of fit) lines.push({ text: line(cells), tone })
  if (fit.length < rows.length) lines.push({ text: `… ${rows.length - fit.length} more`, tone: 'plain' })
  return lines
}

function number(value: number): string {
  return value >= 100 || value === 0 ? String(Math.round(value)) : value.toFixed(1)
}

function percent(value: number | null): string {
  if (value === null) return '-'
  const shown = value * 100
  return `${shown === 0 || shown >= 10 ? Math.round(shown) : shown.toFixed(1)}%`
}

function time(ms: number | null): string {
  if (ms === null) return '-'
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)}s` : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}ms`
}
