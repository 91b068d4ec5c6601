import type { LeanConfig, UpstreamConfig } from '../../core/config.ts'
import type { CutOff } from '../../core/cut-off.ts'
import type { OutcomeClass } from '../../core/outcome.ts'
import { type FurtherAttempts, NO_FURTHER, NO_LIMITS, type TimeLimits } from '../../core/plan.ts'
import { RouteFeatures } from '../../data/engine/compile-features.ts'
import { FEATURES } from '../../features/index.ts'
import type { OutlierOptions } from '../../features/outlier-detection/keys.ts'
import type { RetryBudgetOptions } from '../../features/retry-budget/keys.ts'

/** What a config says of one route and its upstream, as far as it decides which scenarios fit. */
export interface DrillFacts {
  /** Those of the first tier. */
  readonly endpoints: number
  readonly limit: TimeLimits
  readonly again: FurtherAttempts
  readonly budget: RetryBudgetOptions | undefined
  /** undefined: off, or in shadow mode. */
  readonly outliers: OutlierOptions | undefined
  readonly cutOffs: readonly CutOff[]
  readonly algorithm: UpstreamConfig['algorithm']
}

export function drillFacts(config: LeanConfig, routeName: string, upstreamName: string): DrillFacts {
  const route = config.routes.find(({ name }) => name === routeName)
  const upstream = config.upstreams.find(({ name }) => name === upstreamName)
  if (route === undefined || upstream === undefined) throw new Error(`no ${routeName} to ${upstreamName}`)
  const { again = NO_FURTHER, limit = NO_LIMITS } = new RouteFeatures(FEATURES).plan(route)
  const cutOffs = FEATURES.filter(({ name }) => Object.hasOwn(route.features, name)).flatMap(
    (feature) => feature.cutOff?.(route.features[feature.name]) ?? [],
  )
  const outliers = upstream.features.outlierDetection as OutlierOptions | undefined
  const firstTier = Math.min(...upstream.endpoints.map(({ tier }) => tier))
  return {
    endpoints: upstream.endpoints.filter(({ tier }) => tier === firstTier).length,
    limit,
    again,
    budget: upstream.features.retryBudget as RetryBudgetOptions | undefined,
    outliers: outliers?.mode === 'enforce' ? outliers : undefined,
    cutOffs,
    algorithm: upstream.algorithm,
  }
}

/** Why a scenario does not fit a config; undefined: it does. The first that does not hold. */
export function unless(...needs: readonly (readonly [holds: boolean, why: string])[]): string | undefined {
  return needs.find(([holds]) => !holds)?.[1]
}

/** A further attempt follows each of these outcomes. */
export function retriesAfter({ again }: DrillFacts, ...outcomes: readonly OutcomeClass[]): boolean {
  return again.most > 0 && outcomes.every((outcome) => again.follows(outcome))
}

/** Ejects an endpoint after at most 10 failures in a row, for at least `ms`. */
export function ejects({ outliers, endpoints }: DrillFacts, ms: number): boolean {
  const most = outliers?.consecutiveFailures ?? Number.POSITIVE_INFINITY
  return endpoints > 1 && most <= 10 && (outliers?.baseEjection ?? 0) >= ms
}

/** Keeps sending to an endpoint that fails until it is ejected: least-request and peak-ewma avoid it by themselves. */
export function sendsUntilEjected({ algorithm }: DrillFacts): boolean {
  return algorithm === 'round-robin' || algorithm === 'random'
}

/** 2 s of failures under the drill's load cut the upstream off. */
export function cutsOff({ cutOffs }: DrillFacts, ...outcomes: readonly OutcomeClass[]): boolean {
  return cutOffs.some(({ refusesAfter }) => refusesAfter(outcomes))
}

/** Attempts that decide whether an upstream that was cut off has recovered, at most. */
export function mostProbes({ cutOffs }: DrillFacts): number {
  return Math.max(0, ...cutOffs.map(({ probes }) => probes))
}

/** The longest that a recovery may take, in milliseconds: ejection, or what cuts the upstream off. */
export function recoveryMs({ cutOffs, outliers }: DrillFacts): number {
  const ejection = outliers === undefined ? 0 : Math.min(outliers.maxEjection, 4 * outliers.baseEjection)
  return Math.max(ejection, ...cutOffs.map((cutOff) => cutOff.recoveryMs)) + 10_000
}
