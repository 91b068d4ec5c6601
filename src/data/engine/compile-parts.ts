import type { UpstreamConfig } from '../../core/config.ts'
import type { AnyFeature } from '../../core/feature.ts'
import type { UpstreamCells } from '../../core/protocol.ts'
import type { AnyUpstreamForm, UpstreamContext } from '../../core/upstream-part.ts'
import { upstreamUses } from '../../core/use.ts'
import { type PartUse, UpstreamParts } from '../upstreams/parts.ts'
import { type FeatureDeps, madeOfSame, upstreamContext } from './compile-features.ts'

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
      const { name, upstream } = feature
      if (upstream === undefined) continue
      const made = { use, cells: cells.features[name] }
      const known = before?.uses.get(name)
      const same = known !== undefined && madeOfSame({ use: known.use, cells: known.cells }, made)
      uses.set(name, same ? known : { ...made, ...compiledPart(upstream, upstreamContext(feature, made, deps)) })
    }
    return new UpstreamParts(uses)
  }
}

function compiledPart(form: AnyUpstreamForm, context: UpstreamContext): Omit<PartUse, 'use' | 'cells'> {
  const { options } = context.use
  const part = form.compile(options, context)
  const atEndpoints = form.endpointCells !== undefined
  if (form.ignoresHealth === undefined) return { part, atEndpoints }
  return { part, atEndpoints, ignoresHealth: (healthy, all) => form.ignoresHealth?.(options, healthy, all) === true }
}
