import type { Balancer, BalancerCandidate } from '../../src/core/balancer.ts'
import type { Algorithm, BalancingConfig } from '../../src/core/config.ts'
import { UpstreamFeatures } from '../../src/data/engine/compile-parts.ts'
import { type BalancerDeps, createBalancer } from '../../src/data/upstreams/balancers/index.ts'
import { FEATURES } from '../../src/features/index.ts'
import type { ManualClock } from './clock.ts'
import { featureDeps } from './feature.ts'

/** Balancing with everything off. */
export const PLAIN: BalancingConfig = { hashOn: [], balanceFactor: undefined }

/** How a tier is balanced; what is left out is off. */
export interface BalancerSetUp {
  readonly balanceFactor?: number
  readonly slowStart?: number
  readonly zone?: { readonly prefer: string; readonly spillOver: number }
  readonly subset?: number
}

/** The balancer of a tier, with the features that stand in front of it. */
export function tierBalancer<C extends BalancerCandidate>(
  algorithm: Algorithm,
  { balanceFactor, subset, ...features }: BalancerSetUp,
  { clock, random }: BalancerDeps & { readonly clock: ManualClock },
): Balancer<C> {
  const config = { name: 'a', features: { ...features, ...(subset !== undefined && { subset: { size: subset } }) } }
  const deps = featureDeps({ clock, random })
  const parts = new UpstreamFeatures(FEATURES).compile(config, { features: {} } as never, undefined, deps)
  return parts.balanced(() => createBalancer<C>(algorithm, balanceFactor, { clock, random }))()
}
