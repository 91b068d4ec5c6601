import type { LintRule } from '../../core/lint.ts'
import type { PathPoliciesConfig } from '../../core/path-policy.ts'
import type { PlanPart } from '../../core/plan.ts'
import type { Node } from '../../schema/node.ts'
import type { Path } from '../../schema/path.ts'
import type { RootOptions } from '../language/root.ts'
import type { RouteOptions } from '../language/route.ts'
import type { UpstreamOptions } from '../language/upstream.ts'

export type Lint = LintRule<LintContext>

/** What lints read. Routes have the policies' options as their schemas read them. */
export interface LintContext {
  readonly root: RootOptions
  /** What was written, with defaults and profiles put under it. */
  readonly tree: Node
  readonly upstreams: readonly LintUpstream[]
  readonly routes: readonly LintRoute[]
  readonly pathPolicies: PathPoliciesConfig
  /** Names of a kind, such as `upstream`, that routes refer to anywhere. */
  named(kind: string): ReadonlySet<string>
  node(path: Path): Node | undefined
  /** It was written: in the route or upstream, in defaults or in a profile. */
  written(path: Path): boolean
  /** It stands in the route or upstream itself. */
  own(path: Path): boolean
  /** Where a key stands, for a message at another one: `line 4`, or `b.yaml:4`. */
  place(path: Path, from: Path): string
}

export interface LintUpstream {
  readonly name: string
  readonly options: UpstreamOptions
  /** Routes that lead there, also by failover. */
  readonly routes: readonly LintRoute[]
  /** Attempts, as its features bound them; Infinity: they do not. */
  readonly mostInFlight: number
}

export interface LintRoute {
  readonly name: string
  readonly options: RouteOptions
  /** Policies judge attempts only where there is an upstream. */
  readonly upstreams: readonly string[]
  /** What all its features say of its attempts. */
  readonly plan: PlanPart
  /** Requests, as its features bound them; Infinity: they do not. */
  readonly mostInFlight: number
}
