import type { RouteConfig } from '../../core/config.ts'
import { paramNames } from '../../data/routing/match.ts'
import type { Position } from '../../schema/node.ts'
import { keyOf, nodeAt } from '../../schema/path.ts'
import type { Asked } from './asked.ts'
import { decide, type Forwarded, type OwnAnswer, type RequestDecision } from './decision.ts'
import { type NearMiss, nearMisses } from './misses.ts'
import type { Model } from './model.ts'
import { type ActingPolicy, actingPolicies } from './policies.ts'
import { type ReachedUpstream, reachedUpstreams } from './reach.ts'
import { environmentTexts, shownFields, shownTarget } from './secrets.ts'

type Fields = readonly (readonly [name: string, value: string])[]

/**
 * What a gateway with a certain config does with a request, version 1: keys may be added, none is removed or changes its
 * meaning. Values that tend to be secret read `***`.
 */
export interface Explanation {
  readonly version: 1
  /** As understood: the path in its normal form, or as it was sent where that was refused. */
  readonly request: {
    readonly method: string
    readonly host: string
    readonly path: string
    readonly query: string
    readonly headers: Fields
    readonly client: string
    /** It comes from one of `trust.proxies`. */
    readonly trusted: boolean
  }
  /** The winner; undefined: none. */
  readonly route:
    | { readonly name: string; readonly at: Position; readonly params: Readonly<Record<string, string>> }
    | undefined
  /** An answer by Sluice itself; undefined: an upstream answers. */
  readonly answer: (Omit<OwnAnswer, 'headers'> & { readonly headers: Fields }) | undefined
  /** What the upstream gets. */
  readonly forward:
    | {
        readonly method: string
        readonly target: string
        /** undefined: the endpoint's own. */
        readonly host: string | undefined
        readonly added: Fields
        /** Names of fields that the client sent and the upstream does not get. */
        readonly removed: readonly string[]
      }
    | undefined
  /** In the order in which they act. */
  readonly policies: readonly ActingPolicy[]
  readonly upstreams: readonly ReachedUpstream[]
  /** The nearest first. */
  readonly nearMisses: readonly NearMiss[]
}

const MOST_MISSES = 10

/** Explains one request. Throws {@link AskedBadly}. `mostMisses`: how many other routes are told. */
export function explainRequest(model: Model, asked: Asked, mostMisses: number = MOST_MISSES): Explanation {
  const decision = decide(model, asked)
  const { ex, route, answer, forward } = decision
  const { lean, tree } = model
  const hidden = new Set(route === undefined ? [] : environmentTexts(nodeAt(tree, ['routes', route.name]) ?? tree))
  const { method, host, headers } = ex.downstream
  return {
    version: 1,
    request: {
      method,
      host,
      ...shownPath(ex),
      headers: shownFields(headers, NOTHING),
      client: ex.client,
      trusted: ex.trusted,
    },
    route: route && {
      name: route.name,
      at: keyOf(tree, ['routes', route.name]),
      params: Object.fromEntries(paramNames(route.match).map((name, i) => [name, ex.params?.[i] ?? ''])),
    },
    answer: answer && { ...answer, headers: shownFields(answer.headers, hidden) },
    forward: forward && { method, ...changes(headers, forward, hidden) },
    policies: route === undefined ? [] : actingPolicies(model, route),
    upstreams: route === undefined ? [] : reachedUpstreams(lean, tree, route),
    nearMisses: missesOf(model, decision, lean.routes, mostMisses),
  }
}

/** Why `routes` did not get the request, see {@link nearMisses}; none where it never came to the route table. */
export function missesOf(
  { hidden, probes, tree }: Model,
  { ex, route }: RequestDecision,
  routes: readonly RouteConfig[],
  most: number,
): readonly NearMiss[] {
  const { method, host, headers, peer } = ex.downstream
  if (ex.path === '' || ex.path === '*') return []
  const lookUp = { host, path: ex.path, query: ex.query, method, headers, listener: peer.listener }
  return nearMisses(routes, { lookUp, winner: route, hidden, probes, tree, most })
}

function shownPath({ downstream: { target }, path, query }: RequestDecision['ex']) {
  if (path !== '') return { path, query: shownTarget(query) }
  const mark = target.indexOf('?')
  if (mark === -1) return { path: target, query: '' }
  return { path: target.slice(0, mark), query: shownTarget(target.slice(mark)) }
}

function changes(sent: readonly string[], { target, host, headers }: Forwarded, hidden: ReadonlySet<string>) {
  const lines = new Set(fieldLines(sent))
  const kept = new Set(fieldLines(headers))
  const added = headers.filter((_, i) => !lines.has(lineAt(headers, i & ~1)))
  const removed = sent.filter((name, i) => i % 2 === 0 && name.toLowerCase() !== 'host' && !kept.has(lineAt(sent, i)))
  return { target: shownTarget(target), host, added: shownFields(added, hidden), removed: [...new Set(removed)] }
}

function fieldLines(flat: readonly string[]): readonly string[] {
  return flat.flatMap((_, i) => (i % 2 === 0 ? [lineAt(flat, i)] : []))
}

function lineAt(flat: readonly string[], i: number): string {
  return `${flat[i]?.toLowerCase()}: ${flat[i + 1]}`
}

const NOTHING: ReadonlySet<string> = new Set()
