import type { RouteConfig } from '../../../core/config.ts'
import type { ShownStates } from '../../../core/state-table.ts'
import type { DrainState } from '../../contract.ts'
import type { ReloadFacts } from '../../operations/reload/reload-outcome.ts'
import { labelled, type StateFacts, shapesOf } from '../../workers/lasting.ts'
import type { LiveFigures, UpstreamFigures } from './figures.ts'
import type { LiveEvent, LiveJournal } from './journal.ts'
import { ROUTE_FIELDS, type Row, UPSTREAM_FIELDS } from './rows.ts'
import { endpointRowKey, type Rows } from './window.ts'

const MOST_PROBLEMS = 20

/** Identity of the gateway. */
export interface Instance {
  readonly gateway: string
  readonly host: string
  readonly version: string
}

/** Facts that are not counted. */
export interface Surroundings {
  readonly instance: Instance
  readonly drain: DrainState
  /** undefined: this gateway cannot load another one. */
  readonly reload: ReloadFacts | undefined
  /** Upstreams of each route. */
  readonly links: Readonly<Record<string, readonly string[]>>
  /** Of what lasts. */
  readonly tables: readonly ShownStates[]
}

/** Everything at one time, by key where there may be many. */
export interface Frame {
  readonly at: number
  readonly head: object
  readonly total: Row
  readonly workers: LiveFigures['workers']
  readonly links: Surroundings['links']
  readonly tables: Surroundings['tables']
  /** Those of what lasts besides: by the names that its tables give them. */
  readonly lists: Readonly<Record<string, ReadonlyMap<string, unknown>>>
}

export function frameOf(figures: LiveFigures, rows: Rows, journal: LiveJournal, around: Surroundings): Frame {
  const { at, generation, hash, states, upstreams, uptimeMs, workers } = figures
  const { drain, instance, links, reload, tables } = around
  const sinceOf = (...key: readonly string[]): number => Math.round(journal.since(...key) ?? at)
  const endpoints = upstreams.flatMap(({ name: upstream, endpoints }) =>
    endpoints.map(({ connections, endpoint, inFlight, state, text }) => {
      const key = endpointRowKey(upstream, endpoint)
      const [attempts, failures] = rows.endpoints.get(key) ?? [0, 0]
      const since = sinceOf('endpoint', upstream, endpoint)
      return [key, { upstream, endpoint, state, text, since, inFlight, connections, attempts, failures }] as const
    }),
  )
  return {
    at: Math.round(at),
    head: { instance, startedAt: startOf(at, uptimeMs), generation, hash, drain, reload: reload && shortened(reload) },
    total: rows.total,
    workers,
    links,
    tables,
    lists: {
      routes: rows.routes,
      upstreams: rows.upstreams,
      endpoints: new Map(endpoints),
      recoveries: new Map(
        upstreams.filter(isNotable).map(({ name, panic, recovery }) => [name, recoveryOf(recovery, panic)]),
      ),
      idleLimits: new Map(
        upstreams.flatMap(({ idleLimitMs, name }) => (idleLimitMs === null ? [] : [[name, idleLimitMs] as const])),
      ),
      ...Object.fromEntries(tables.map((table) => [table.list, lastingOf(table, states, sinceOf)])),
    },
  }
}

/** The upstreams that requests of each route may reach. */
export function linksOf(routes: readonly RouteConfig[]): Surroundings['links'] {
  return Object.fromEntries(
    routes.map(({ alternates, name, to = [] }) => [
      name,
      [...new Set([...to.map(({ upstream }) => upstream), ...alternates])],
    ]),
  )
}

function lastingOf(
  { kind, list }: ShownStates,
  states: readonly StateFacts[],
  sinceOf: (...key: readonly string[]) => number,
): Frame['lists'][string] {
  const own = states.filter(({ table }) => table.list === list)
  return new Map(
    own.map(({ labels, state, table, text }) => [
      labels.join(' '),
      { ...labelled(table, labels), state, text, since: sinceOf(kind, ...labels) },
    ]),
  )
}

/** All of it, for a reader that knows nothing yet. */
export function snapshotOf({ head, lists, tables, ...rest }: Frame, events: readonly LiveEvent[]): object {
  const fields = { route: ROUTE_FIELDS, upstream: UPSTREAM_FIELDS }
  const all = Object.entries(lists).map(([name, list]) => [name, Object.fromEntries(list)])
  return { ...rest, ...head, fields, lasting: shapesOf(tables), events, ...Object.fromEntries(all) }
}

/** The difference from the previous frame; undefined: names came or went, and only a snapshot shows that. */
export function updateOf(frame: Frame, before: Frame, events: readonly LiveEvent[]): object | undefined {
  const lists: Record<string, object> = {}
  for (const [name, list] of Object.entries(frame.lists)) {
    const old = before.lists[name]
    if (list.size !== old?.size) return undefined
    const changed: Record<string, unknown> = {}
    for (const [key, value] of list) {
      if (!old.has(key)) return undefined
      if (!same(value, old.get(key))) changed[key] = value
    }
    if (Object.keys(changed).length > 0) lists[name] = changed
  }
  return {
    at: frame.at,
    total: frame.total,
    workers: frame.workers,
    ...(same(frame.links, before.links) ? {} : { links: frame.links }),
    ...(same(frame.head, before.head) ? {} : frame.head),
    ...lists,
    events,
  }
}

function isNotable({ panic, recovery }: UpstreamFigures): boolean {
  return panic || recovery.count > 0
}

/** `seconds`: all recoveries together. */
function recoveryOf({ count, sum }: UpstreamFigures['recovery'], panic: boolean): object {
  return { panic, count, seconds: Math.round(sum * 1000) / 1000 }
}

/** A broken file may have thousands of problems. */
function shortened({ last, ...rest }: ReloadFacts): ReloadFacts {
  return { ...rest, last: { ...last, problems: last.problems.slice(0, MOST_PROBLEMS) } }
}

/** To the second: the difference of two clocks jitters. */
function startOf(at: number, uptimeMs: number): number {
  return Math.round((at - uptimeMs) / 1000) * 1000
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
