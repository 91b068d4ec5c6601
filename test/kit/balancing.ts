import type { Algorithm, Balancer, BalancerCandidate, BalancerDeps } from '../../src/core/balancer.ts'
import type { BalancingConfig } from '../../src/core/config.ts'
import { algorithmsOf } from '../../src/core/feature.ts'
import { UpstreamFeatures } from '../../src/data/engine/compile-parts.ts'
import { FEATURES } from '../../src/features/index.ts'
import { seededRandom } from '../../src/lib/random.ts'
import type { TestCandidate } from './candidate.ts'
import type { ManualClock } from './clock.ts'
import { featureDeps } from './feature.ts'

/** Balancing with everything off. */
export const PLAIN: BalancingConfig = { hashOn: [], balanceFactor: undefined }

/** One that Sluice has. */
export function algorithmNamed(name: string): Algorithm {
  const found = algorithmsOf(FEATURES).get(name)
  if (found === undefined) throw new Error(`no algorithm ${name}`)
  return found
}

/** How a tier is balanced; what is left out is off. */
export interface BalancerSetUp {
  readonly balanceFactor?: number
  readonly slowStart?: number
  readonly zone?: { readonly prefer: string; readonly spillOver: number }
  readonly subset?: number
}

/** The balancer of a tier, with the features that stand in front of it. */
export function tierBalancer<C extends BalancerCandidate>(
  algorithm: string,
  { balanceFactor, subset, ...features }: BalancerSetUp,
  { clock, random }: BalancerDeps & { readonly clock: ManualClock },
): Balancer<C> {
  const config = { name: 'a', features: { ...features, ...(subset !== undefined && { subset: { size: subset } }) } }
  const deps = featureDeps({ clock, random })
  const parts = new UpstreamFeatures(FEATURES).compile(config, { features: {} } as never, undefined, deps)
  return parts.balanced(() => algorithmNamed(algorithm).create<C>({ clock, random }, balanceFactor))()
}

/** The same with these members. */
export function balancing(
  clock: ManualClock,
  algorithm: string,
  members: readonly TestCandidate[],
  options: BalancerSetUp = {},
): Balancer<TestCandidate> {
  const balancer = tierBalancer<TestCandidate>(algorithm, options, { random: seededRandom(1), clock })
  balancer.update(members)
  return balancer
}

/** How often each is picked. */
export function spread(balancer: Balancer<TestCandidate>, picks: number, key?: number): Record<string, number> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < picks; i++) {
    const id = balancer.pick([], key)?.id ?? '-'
    counts[id] = (counts[id] ?? 0) + 1
  }
  return counts
}
