import type { CellTree, Leased } from '../cells/shape.ts'
import type { Attempt } from './attempt.ts'
import type { Exchange } from './exchange.ts'
import type { FeatureContext, Use } from './feature.ts'

/**
 * A feature at one upstream, compiled. The upstream asks it on the way of every attempt: hooks are synchronous, and one that
 * no part defines costs nothing.
 */
export interface UpstreamPart {
  /** Whether this attempt may go to the upstream. What it takes for that, `withdrawn` gives back. */
  admits?(ex: Exchange, at: Attempt): boolean
  /** An attempt that was admitted goes now. */
  begun?(at: Attempt): void
  /** One that was admitted does not go. `begun`: it had begun, and never left the queue of its pool: it was no attempt. */
  withdrawn?(at: Attempt, begun: boolean): void
}

/** What a part is compiled with. */
// biome-ignore lint/suspicious/noExplicitAny: see FeatureContext.
export type UpstreamContext<C = unknown, M = any, D = any> = Omit<FeatureContext<C, M, D>, 'gateway' | 'paramNames'>

/** How a feature acts at an upstream. `O`: its options there; `T`: the cells that a use needs. */
export interface UpstreamForm<O, T extends CellTree | undefined, M, D> {
  /** Its sentence for the reference, where that of the feature speaks of routes. */
  readonly doc?: string
  cells?(use: Use<O>): T
  compile(options: O, context: UpstreamContext<Leased<T>, M, D>): UpstreamPart
}

/** The form as everything but its feature sees it. */
export interface AnyUpstreamForm extends Pick<UpstreamForm<unknown, undefined, unknown, unknown>, 'doc'> {
  cells?(use: Use): CellTree | undefined
  // biome-ignore lint/suspicious/noExplicitAny: each gets what its own schema and cells gave.
  compile(options: any, context: any): UpstreamPart
}
