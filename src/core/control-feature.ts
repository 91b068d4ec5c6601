import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Schema } from '../schema/schema.ts'
import type { UpstreamConfig } from './config.ts'
import type { FactValue } from './decision.ts'
import type { Find } from './endpoint-source.ts'
import type { CellReader, Use } from './feature.ts'
import type { KeptMap } from './kept.ts'
import type { Answers, Commanded, FeedOut } from './link.ts'
import type { MetricSink, MetricsOf } from './metric.ts'
import type { Notice } from './notice.ts'
import type { Operation } from './operation.ts'
import type { ProcessLoad } from './pressure.ts'
import type { ResolvedEndpoint, UpstreamEndpoints } from './protocol.ts'
import type { Gauges } from './series.ts'
import type { StateRow } from './state-table.ts'
import type { Store, StoreName } from './store.ts'

/**
 * The control half of a feature: its part in the control plane, one instance per gateway. Its file is `control.ts` of the
 * feature's folder, which only the control plane loads: a worker never does.
 */

/** A use of a feature in the live config. */
export interface LiveUse<O = unknown, C = unknown> {
  readonly use: Use<O>
  /** As they were leased; replaced when another config is live. */
  readonly cells: C
}

/** What a control half is started with. `O`: options of a use, `C`: its cells, `M`: metrics of the feature. */
// biome-ignore lint/suspicious/noExplicitAny: what needs no metrics takes a context with any.
export interface ControlContext<O = unknown, C = unknown, M = any> {
  /** Uses in the live config, on every level, as of now; none before the first config is live. */
  uses(): readonly LiveUse<O, C>[]
  /** The lasting states of the feature as of now, see `Feature.states`. */
  states(): readonly StateRow[]
  /** See `FeatureContext.set`. `since`: milliseconds since the epoch; default: now. */
  set(labels: readonly string[], state: string, facts: Readonly<Record<string, FactValue>>, since?: number): void
  /** Reads cells. Words may be written, too: workers see the change at once. */
  readonly look: CellReader
  /** Endpoints of an upstream as of now: the same object until they change. undefined: there is no such upstream. */
  endpoints(upstream: string): UpstreamEndpoints | undefined
  /** Config of an upstream as of now. undefined: there is no such upstream. */
  upstream(name: string): UpstreamConfig | undefined
  /** What the feature keeps over restarts. `schema`: what a value is, in JSON. Once per feature, when it starts. */
  kept<T>(schema: Schema<T>): KeptMap<T>
  /** An endpoint has passed a health check: tells all halves. */
  passed(upstream: string, endpoint: ResolvedEndpoint): void
  /** The state of an endpoint was written to its words: what depends on it is looked at. */
  marked(): void
  /** What it keeps in a store, apart from all others: the same as `FeatureContext.store` of the feature. */
  store(name: StoreName): Store
  /** What the process has to bear. */
  readonly load: ProcessLoad
  /** The control plane counts as one more worker. */
  readonly metrics: MetricSink<MetricsOf<M, 'counter'>, MetricsOf<M, 'histogram'>>
  /** Value of a counter, over all workers; 0: there is no such series. */
  counted(metric: string, labels: readonly string[]): number
  /** Data for all workers, by name; an identity has a name of its own. */
  feed<T>(name: string): FeedOut<T>
  /**
   * Tells all workers, see `FeatureContext.command`; a worker where nothing of the feature listens has nothing to do. May
   * come twice. Never rejects: settles by `deadlineMs`, default 5 s.
   */
  command(name: string, value: unknown, deadlineMs?: number): Promise<Commanded>
  /** Reports an event to operators. */
  readonly report: (notice: Notice) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** A control half that has started. */
export interface ControlHalf {
  /**
   * A config with these uses is about to go to the workers: what they need before it goes live is loaded now. It may never
   * go live.
   */
  expect?(uses: readonly Use[]): void
  /** Another config is live. */
  applied?(): void
  /** Endpoints of an upstream came or went, or their weights changed. */
  endpointsChanged?(): void
  /** An endpoint has passed a health check. */
  endpointPassed?(upstream: string, endpoint: ResolvedEndpoint): void
  /** Requests of a route ended with their worker, which could not record them. */
  requestsLost?(route: string, requests: number): void
  /** By kind, see `Provided.sources`. */
  // biome-ignore lint/suspicious/noExplicitAny: each gets the options that its own source has read.
  readonly sources?: Readonly<Record<string, Find<any>>>
  /** What workers may ask, by name. */
  readonly answers?: Answers
  /** What operators may do and see. */
  readonly operations?: readonly Operation[]
  /** By name of a gauge of the feature with more labels than the name of the use; read at each scrape. */
  readonly gauges?: Gauges
  /** Ends all timers and waits. */
  close(): void
}

/** What `control.ts` of a feature exports as `control`. */
// biome-ignore lint/suspicious/noExplicitAny: see ControlContext.
export interface ControlFeature<O = unknown, C = unknown, M = any> {
  /** Once per gateway, before the first config is live. Must not wait or throw. */
  start(context: ControlContext<O, C, M>): ControlHalf
}
