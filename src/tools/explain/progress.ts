import type { MatchConfig, PathPattern, ValueCondition } from '../../core/config.ts'
import { methodHolds } from '../../data/routing/match.ts'
import type { LookUp } from '../../data/routing/search.ts'
import type { Probes } from './probes.ts'

/** What failed first, in the order in which conditions are looked at; `outranked`: nothing did. */
export const STAGES = ['host', 'path', 'listener', 'method', 'header', 'query', 'outranked'] as const
export type MatchStage = (typeof STAGES)[number]

/** How far a match of a route gets with a request. */
export interface MatchProgress {
  /** Index in {@link STAGES}. */
  readonly stage: number
  /** How much of what failed held: path segments from the start, conditions. */
  readonly closeness: number
  /** The one that failed, of headers and query. */
  readonly condition: ValueCondition | undefined
}

/** Judges the matches of many routes for one request: most of them need no more than a look at their paths. */
export class Course {
  private readonly lookUp: LookUp
  private readonly probes: Probes
  private readonly segments: readonly string[]

  constructor(lookUp: LookUp, probes: Probes) {
    this.lookUp = lookUp
    this.probes = probes
    this.segments = lookUp.path.split('/').slice(1)
  }

  progress({ headers, hosts, listeners, methods, paths, query }: MatchConfig): MatchProgress {
    const { lookUp, probes } = this
    if (hosts.length > 0 && !hosts.some((host) => probes.host(host, lookUp)))
      return this.failed('host', this.shared(paths))
    if (paths.length > 0 && !paths.some((path) => this.holds(path))) return this.failed('path', this.shared(paths))
    if (listeners.length > 0 && !listeners.includes(lookUp.listener)) return this.failed('listener')
    const one = { listeners: undefined, methods: methods.length === 0 ? undefined : methods, headers: [], query: [] }
    if (!methodHolds(one, lookUp.method)) return this.failed('method')
    const header = headers.findIndex((condition) => !probes.header(condition, lookUp))
    if (header !== -1) return this.failed('header', header, headers[header])
    const key = query.findIndex((condition) => !probes.query(condition, lookUp))
    return key === -1 ? this.failed('outranked') : this.failed('query', key, query[key])
  }

  private failed(stage: (typeof STAGES)[number], closeness = 0, condition?: ValueCondition): MatchProgress {
    return { stage: STAGES.indexOf(stage), closeness, condition }
  }

  /** Most paths differ in a literal: no table has to be asked about them. */
  private holds(path: PathPattern): boolean {
    if (path.kind === 'segments' && this.sharedWith(path) < path.segments.length) return false
    return this.probes.path(path, this.lookUp)
  }

  /** A slip in the last segment is nearer than any other path. */
  private shared(paths: readonly PathPattern[]): number {
    return Math.max(0, ...paths.map((path) => this.sharedWith(path)))
  }

  /** Segments that pattern and path have in common from the start. */
  private sharedWith(pattern: PathPattern): number {
    if (pattern.kind === 'regex') return 0
    const { segments } = pattern
    let i = 0
    for (
      let one = segments[0];
      one !== undefined && !('literal' in one && one.literal !== this.segments[i]);
      one = segments[i]
    )
      i++
    return i
  }
}

/** The further one first. */
export function byProgress(a: MatchProgress, b: MatchProgress): number {
  return b.stage - a.stage || b.closeness - a.closeness
}
