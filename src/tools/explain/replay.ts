import type { RouteConfig } from '../../core/config.ts'
import { conditionText } from './condition-text.ts'
import { diffConfigs } from './diff.ts'
import { Evidence } from './evidence.ts'
import { Future } from './future.ts'
import type { WrittenConfig } from './model.ts'
import { type Recorded, readLine } from './recorded.ts'
import { hiddenConditions, shownTarget } from './secrets.ts'
import { type Group, Tally } from './tally.ts'

/** Requests of one kind of change. */

/** Version 1: keys may be added, none is removed or changes its meaning. Counts are of lines. */
export interface ReplayReport {
  readonly version: 1
  /** All that are not empty. */
  readonly lines: number
  /** No line of the access log. */
  readonly unreadable: number
  /** Refused before any route was looked for (malformed, too large): the log does not hold them. */
  readonly refused: number
  readonly same: number
  /** The line lacks a header or a query value that decides. */
  readonly undecided: readonly Group[]
  /** Another route, or none any more: `FROM -> TO`. */
  readonly routes: readonly Group[]
  /** The same route, but upstreams that it does not lead to any more, or (against an old config) leads to now. */
  readonly upstreams: readonly Group[]
  /** The same route with other values; only against an old config. */
  readonly policies: readonly Group[]
}

type Kind = 'same' | 'refused' | 'undecided' | 'routes' | 'upstreams' | 'policies'
interface Verdict {
  readonly kind: Kind
  readonly what: string
}

/** Requests that came to the route table, and found nothing. */
const NO_ROUTE: ReadonlySet<string> = new Set(['no_route', 'method_not_allowed', 'ambiguous_path'])
const MOST_KEPT = 100_000
const NOTHING_NAMED: ReadonlySet<string> = new Set()
const SAME: Verdict = { kind: 'same', what: '' }

/** Finds, line by line of an access log, which requests another config would treat differently. What it keeps is bounded. */
export class Replay {
  private readonly now: Future
  private readonly old: Future | undefined
  private readonly changes: ReadonlyMap<string, RouteChange>
  private readonly tally = new Tally()
  private readonly hidden: ReadonlySet<string>
  private readonly verdicts = new Map<string, Verdict>()
  private readonly named = new Map<string, ReadonlySet<string>>()
  private lines = 0
  private unreadable = 0

  /** `old`: the config that wrote the log. */
  constructor(now: WrittenConfig, old?: WrittenConfig) {
    this.now = new Future(now.config.lean)
    this.old = old && new Future(old.config.lean)
    this.hidden = hiddenConditions(now.tree)
    this.changes = old === undefined ? new Map() : changesByRoute(old, now)
    for (const [name, { match }] of this.old?.routes ?? [])
      this.named.set(name, new Set(match.flatMap(({ headers }) => headers.map((header) => header.name))))
  }

  line(line: string): void {
    if (line.trim() === '') return
    const recorded = readLine(line)
    if (recorded === 'own') return
    this.lines++
    if (recorded === undefined) this.unreadable++
    else this.add(recorded)
  }

  /** A line that is too long to be one of the access log. */
  tooLong(): void {
    this.lines++
    this.unreadable++
  }

  report(): ReplayReport {
    const { lines, tally, unreadable } = this
    return {
      version: 1,
      lines,
      unreadable,
      refused: tally.sum('refused'),
      same: tally.sum('same'),
      undecided: tally.groups('undecided'),
      routes: tally.groups('routes'),
      upstreams: tally.groups('upstreams'),
      policies: tally.groups('policies'),
    }
  }

  private add(recorded: Recorded): void {
    const { headers, host, method, path, query, reason, route, upstream } = recorded
    const shown = Object.keys(headers).length === 0 ? '' : JSON.stringify(headers)
    const key = `${method} ${host}${path}${query} ${route} ${upstream} ${reason} ${shown}`
    let verdict = this.verdicts.get(key)
    if (verdict === undefined) {
      verdict = this.judge(recorded)
      if (this.verdicts.size >= MOST_KEPT) this.verdicts.clear()
      this.verdicts.set(key, verdict)
    }
    this.tally.add(verdict.kind, verdict.what, () => `${method} ${host}${path}${shownTarget(query)}`)
  }

  private judge(recorded: Recorded): Verdict {
    const { headers, query, reason, route: name } = recorded
    if (name === undefined && reason !== undefined && !NO_ROUTE.has(reason)) return { kind: 'refused', what: reason }
    // The query of a path that was refused is not logged.
    const told = reason === 'ambiguous_path' && query === '' ? undefined : query
    const evidence = new Evidence(told, headers, this.named.get(name ?? '') ?? NOTHING_NAMED)
    this.old?.conclude(recorded, evidence)
    const before = this.old?.of(recorded, evidence)
    // What the old config cannot decide, the gateway did.
    const from = before !== undefined && 'route' in before ? before.route?.name : name
    const after = this.now.of(recorded, evidence)
    if ('lacks' in after) {
      const { place, predicate } = after.lacks
      return { kind: 'undecided', what: `${place} ${conditionText(predicate.condition, this.hidden)}` }
    }
    if (after.route?.name !== from)
      return { kind: 'routes', what: `${from ?? '(none)'} -> ${after.route?.name ?? '(none)'}` }
    return after.route === undefined ? SAME : this.judgeRoute(after.route, recorded)
  }

  private judgeRoute(route: RouteConfig, { upstream }: Recorded): Verdict {
    const change = this.changes.get(route.name)
    if (change !== undefined && change.upstreams.length > 0)
      return { kind: 'upstreams', what: `${route.name}: ${change.upstreams.join(', ')}` }
    const leads = [...(route.to ?? []).map((target) => target.upstream), ...route.alternates]
    if (this.old === undefined && upstream !== undefined && !leads.includes(upstream))
      return { kind: 'upstreams', what: `${route.name}: ${upstream} -> ${leads.join(' or ') || '(none)'}` }
    if (change === undefined || change.policies.length === 0) return SAME
    return { kind: 'policies', what: `${route.name}: ${change.policies.join(', ')}` }
  }
}

interface RouteChange {
  readonly upstreams: readonly string[]
  readonly policies: readonly string[]
}

/** What differs on routes that both configs have, beside what they match on. */
function changesByRoute(old: WrittenConfig, now: WrittenConfig): ReadonlyMap<string, RouteChange> {
  const changes = new Map<string, { upstreams: string[]; policies: string[] }>()
  const alternating = now.language.features.filter(({ alternates }) => alternates !== undefined)
  const leading = new Set(['to', ...alternating.map(({ name }) => name)])
  for (const { after, before, key, kind, names } of diffConfigs(old, now).changed) {
    if (kind !== 'routes' || key === 'match' || key === 'precedence') continue
    for (const name of names) {
      const change = changes.get(name) ?? { upstreams: [], policies: [] }
      if (leading.has(key)) change.upstreams.push(`${key} ${before ?? '(none)'} -> ${after ?? '(none)'}`)
      else change.policies.push(key)
      changes.set(name, change)
    }
  }
  return changes
}
