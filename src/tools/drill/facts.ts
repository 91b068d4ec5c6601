import type { LeanConfig } from '../../core/config.ts'
import type { CutOff, Ejection } from '../../core/cut-off.ts'
import { type AnyFeature, algorithmsOf } from '../../core/feature.ts'
import type { OutcomeClass } from '../../core/outcome.ts'
import { type FurtherAttempts, NO_FURTHER, NO_LIMITS, type TimeLimits } from '../../core/plan.ts'
import { RouteFeatures } from '../../data/engine/compile-features.ts'

/** What a config says of one route and its upstream, as far as it decides which scenarios fit. */
export interface DrillFacts {
  /** Those of the first tier. */
  readonly endpoints: number
  readonly limit: TimeLimits
  readonly again: FurtherAttempts
  /** The most further attempts, as a share of the first ones. */
  readonly furtherShare: number
  readonly cutOffs: readonly CutOff[]
  readonly ejections: readonly Ejection[]
  readonly algorithm: string
  /** Endpoints are chosen without a look at how they do. */
  readonly blind: boolean
}

export function drillFacts(
  config: LeanConfig,
  features: readonly AnyFeature[],
  routeName: string,
  upstreamName: string,
): DrillFacts {
  const route = config.routes.find(({ name }) => name === routeName)
  const upstream = config.upstreams.find(({ name }) => name === upstreamName)
  if (route === undefined || upstream === undefined) throw new Error(`no ${routeName} to ${upstreamName}`)
  const { again = NO_FURTHER, limit = NO_LIMITS } = new RouteFeatures(features).plan(route)
  const cutOffs = features
    .filter(({ name }) => Object.hasOwn(route.features, name))
    .flatMap((feature) => feature.cutOff?.(route.features[feature.name]) ?? [])
  const forms = features.flatMap(({ name, upstream: form }) =>
    form !== undefined && Object.hasOwn(upstream.features, name) ? [{ form, own: upstream.features[name] }] : [],
  )
  const firstTier = Math.min(...upstream.endpoints.map(({ tier }) => tier))
  return {
    endpoints: upstream.endpoints.filter(({ tier }) => tier === firstTier).length,
    limit,
    again,
    furtherShare: Math.min(1, ...forms.map(({ form, own }) => form.furtherShare?.(own) ?? 1)),
    cutOffs,
    ejections: forms.flatMap(({ form, own }) => form.ejection?.(own) ?? []),
    algorithm: upstream.algorithm,
    blind: algorithmsOf(features).get(upstream.algorithm)?.blind === true,
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
export function ejects({ ejections, endpoints }: DrillFacts, ms: number): boolean {
  return endpoints > 1 && ejections.some(({ after, forMs }) => after <= 10 && forMs >= ms)
}

/** Keeps sending to an endpoint that fails until it is ejected. */
export function sendsUntilEjected({ blind }: DrillFacts): boolean {
  return blind
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
export function recoveryMs({ cutOffs, ejections }: DrillFacts): number {
  return Math.max(0, ...[...cutOffs, ...ejections].map((one) => one.recoveryMs)) + 10_000
}
