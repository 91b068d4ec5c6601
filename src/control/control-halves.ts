import type { UpstreamConfig } from '../core/config.ts'
import type { ControlContext, ControlFeature, ControlHalf, LiveUse } from '../core/control-feature.ts'
import type { AnyFeature } from '../core/feature.ts'
import type { Operation } from '../core/operation.ts'
import type { LeanRoute, ResolvedEndpoint, UpstreamEndpoints } from '../core/protocol.ts'
import type { Gauges } from '../core/series.ts'
import { routeUse, upstreamUses } from '../core/use.ts'
import type { Part } from './contract.ts'

/** A feature and its control half, loaded. */
export interface LoadedHalf {
  readonly feature: AnyFeature
  readonly control: ControlFeature
}

/** Loads the control halves of all features that have one. */
export async function loadControlHalves(features: readonly AnyFeature[]): Promise<readonly LoadedHalf[]> {
  const loaded = features.map(async (feature) => {
    const half = await feature.control?.()
    return half === undefined ? [] : [{ feature, control: half.control }]
  })
  return (await Promise.all(loaded)).flat()
}

export interface ControlHalvesOptions extends Omit<ControlContext, 'uses'> {
  readonly loaded: readonly LoadedHalf[]
  /** Of the live config. */
  readonly routes: () => readonly LeanRoute[]
  /** Uses in it that act on all routes, by name of the feature. */
  readonly common: () => ReadonlyMap<string, LiveUse>
  readonly upstreams: () => Iterable<LiveUpstream>
}

/** What features do in the control plane: started together, told together, closed together. */
export class ControlHalves implements Part {
  private readonly halves: readonly ControlHalf[]

  constructor({ common, loaded, routes, upstreams, ...context }: ControlHalvesOptions) {
    this.halves = loaded.map(({ control, feature }) =>
      control.start({
        ...context,
        uses: () =>
          [
            common().get(feature.name) ?? [],
            usesOf(feature.name, routes()),
            usesAtUpstreams(feature, upstreams()),
          ].flat(),
      }),
    )
  }

  get operations(): readonly Operation[] {
    return this.halves.flatMap(({ operations = [] }) => operations)
  }

  get gauges(): Gauges {
    return Object.assign({}, ...this.halves.map(({ gauges }) => gauges))
  }

  applied(): void {
    for (const half of this.halves) half.applied?.()
  }

  endpointsChanged(): void {
    for (const half of this.halves) half.endpointsChanged?.()
  }

  endpointPassed(upstream: string, endpoint: ResolvedEndpoint): void {
    for (const half of this.halves) half.endpointPassed?.(upstream, endpoint)
  }

  close(): void {
    for (const half of this.halves) half.close()
  }
}

/** An upstream of the live config. */
interface LiveUpstream {
  readonly config: UpstreamConfig
  readonly set: UpstreamEndpoints
}

/** The live uses of a feature at upstreams. */
function usesAtUpstreams(feature: AnyFeature, upstreams: Iterable<LiveUpstream>): readonly LiveUse[] {
  return [...upstreams].flatMap(({ config, set }) =>
    upstreamUses(config, [feature]).map(([, use]) => ({ use, cells: set.cells.features[feature.name] })),
  )
}

/** The live uses of a feature on routes. */
export function usesOf(feature: string, routes: readonly LeanRoute[]): readonly LiveUse[] {
  return routes.flatMap((route) =>
    Object.hasOwn(route.features, feature)
      ? [{ use: routeUse(feature, route), cells: route.cells.features[feature] }]
      : [],
  )
}
