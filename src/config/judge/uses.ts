import type { AnyFeature } from '../../core/feature.ts'
import type { AnyUpstreamForm } from '../../core/upstream-part.ts'
import type { UpstreamOptions } from '../language/upstream.ts'

/** A feature that acts at an upstream. `own`: its options there. */
interface UseAt {
  readonly name: string
  readonly own: unknown
  readonly form: AnyUpstreamForm
}

/** The features that act at an upstream. */
export function usesAt({ features, loadBalancing }: UpstreamOptions, known: readonly AnyFeature[]): readonly UseAt[] {
  return known.flatMap((feature) => {
    const { name, upstream: form } = feature
    const own = features.of(feature) ?? loadBalancing.features.of(feature)
    return own === undefined || form === undefined ? [] : [{ name, own, form }]
  })
}
