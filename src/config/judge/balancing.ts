import { subset } from '../../features/subset/feature.ts'
import type { UpstreamOptions } from '../language/upstream.ts'

/** A mistake that no single key of an upstream shows. `path`: below the upstream. */
export interface BalancingMistake {
  readonly path: readonly string[]
  readonly message: string
}

/** Contradictions in how an upstream is balanced. */
export function balancingMistakes({ features, loadBalancing }: UpstreamOptions): BalancingMistake[] {
  const sharding = features.of(subset)
  const { algorithm, hashOn } = loadBalancing
  const mistakes: BalancingMistake[] = []
  const error = (path: readonly string[], message: string): void => {
    mistakes.push({ path, message })
  }
  const hashes = algorithm === 'ring-hash' || algorithm === 'maglev'
  if (hashes && hashOn === undefined) {
    error(['loadBalancing'], `${algorithm} needs hashOn, such as hashOn: { header: x-user }`)
  }
  if (hashes && sharding !== undefined) {
    error(['subset'], `${algorithm} gives each key one endpoint already; use another algorithm or leave subset out`)
  }
  if (!hashes && sharding !== undefined && sharding.hashOn === undefined && hashOn === undefined) {
    error(['subset'], 'hashOn is missing, such as hashOn: { header: x-user }')
  }
  if (!hashes && hashOn !== undefined && (sharding === undefined || sharding.hashOn !== undefined)) {
    error(['loadBalancing', 'hashOn'], `would have no effect: ${algorithm} uses no key; ring-hash and maglev do`)
  }
  return mistakes
}
