import type { UpstreamConfig } from '../../core/config.ts'
import type { AnyFeature } from '../../core/feature.ts'
import type { UpstreamCells } from '../../core/protocol.ts'
import type { AnyUpstreamForm } from '../../core/upstream-part.ts'
import { upstreamUses } from '../../core/use.ts'
import { type PartUse, UpstreamParts } from '../upstreams/parts.ts'
import { type FeatureDeps, upstreamContext } from './compile-features.ts'

type UpstreamFeature = AnyFeature & { readonly upstream: AnyUpstreamForm }

/** The features that upstreams may have. */
export class UpstreamFeatures {
  private readonly features: readonly AnyFeature[]

  constructor(features: readonly AnyFeature[]) {
    this.features = features
  }

  /** `before`: the same upstream of the generation before. */
  compile(
    config: Pick<UpstreamConfig, 'name' | 'features'>,
    cells: UpstreamCells,
    before: UpstreamParts | undefined,
    deps: FeatureDeps,
  ): UpstreamParts {
    const uses = new Map<string, PartUse>()
    for (const [feature, use] of upstreamUses(config, this.features)) {
      const { name, upstream } = feature as UpstreamFeature
      const made = { use, cells: cells.features[name] }
      const known = before?.uses.get(name)
      uses.set(
        name,
        known !== undefined && same(known, made)
          ? known
          : {
              ...made,
              atEndpoints: upstream.endpointCells !== undefined,
              part: upstream.compile(use.options, upstreamContext(feature, made, deps)),
            },
      )
    }
    return new UpstreamParts(uses)
  }
}

function same(a: Pick<PartUse, 'use' | 'cells'>, b: Pick<PartUse, 'use' | 'cells'>): boolean {
  return JSON.stringify([a.use, a.cells]) === JSON.stringify([b.use, b.cells])
}
