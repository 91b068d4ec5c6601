import type { UpstreamConfig } from '../../core/config.ts'
import type { AnyFeature } from '../../core/feature.ts'
import type { UpstreamCells } from '../../core/protocol.ts'
import type { AnyUpstreamForm } from '../../core/upstream-part.ts'
import { upstreamUse } from '../../core/use.ts'
import { type PartUse, UpstreamParts } from '../upstreams/parts.ts'
import { type FeatureDeps, upstreamContext } from './compile-features.ts'

type UpstreamFeature = AnyFeature & { readonly upstream: AnyUpstreamForm }

/** The features that upstreams may have. */
export class UpstreamFeatures {
  private readonly features: readonly UpstreamFeature[]

  constructor(features: readonly AnyFeature[]) {
    this.features = features.filter((feature): feature is UpstreamFeature => feature.upstream !== undefined)
  }

  /** `before`: the same upstream of the generation before. */
  compile(
    { features, name: upstream }: Pick<UpstreamConfig, 'name' | 'features'>,
    cells: UpstreamCells,
    before: UpstreamParts | undefined,
    deps: FeatureDeps,
  ): UpstreamParts {
    const uses = new Map<string, PartUse>()
    for (const feature of this.features) {
      const { name } = feature
      if (!Object.hasOwn(features, name)) continue
      const made = { use: upstreamUse(features[name], upstream), cells: cells.features[name] }
      const known = before?.uses.get(name)
      uses.set(
        name,
        known !== undefined && same(known, made)
          ? known
          : { ...made, part: feature.upstream.compile(made.use.options, upstreamContext(feature, made, deps)) },
      )
    }
    return new UpstreamParts(uses)
  }
}

function same(a: Pick<PartUse, 'use' | 'cells'>, b: Pick<PartUse, 'use' | 'cells'>): boolean {
  return JSON.stringify([a.use, a.cells]) === JSON.stringify([b.use, b.cells])
}
