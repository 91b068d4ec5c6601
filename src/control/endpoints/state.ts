import type { UpstreamConfig } from '../../core/config.ts'
import type { AnyFeature } from '../../core/feature.ts'
import {
  EndpointStateBit as Bits,
  type EndpointCells,
  EndpointWord,
  type UpstreamEndpoints,
} from '../../core/protocol.ts'
import { upstreamUses } from '../../core/use.ts'
import { ENDPOINT_STATES, type EndpointState } from '../contract.ts'
import type { CellRegistry } from '../registry/registry.ts'

/**
 * The state that an endpoint's words stand for; a drain is an operator's order and precedes health, checks precede
 * attempts.
 */
export function endpointState(registry: CellRegistry, { state }: EndpointCells): EndpointState {
  const words = registry.words(state)
  const bits = Atomics.load(words, state.slot)
  if ((bits & Bits.draining) !== 0) return 'draining'
  if ((bits & Bits.unhealthy) !== 0) return 'unhealthy'
  return Atomics.load(words, state.slot + EndpointWord.ejected) === 1 ? 'ejected' : 'usable'
}

/** How many endpoints of an upstream are in each state, zeros included. */
export function countStates(registry: CellRegistry, { endpoints }: UpstreamEndpoints): Map<EndpointState, number> {
  const counts = new Map<EndpointState, number>(ENDPOINT_STATES.map((state) => [state, 0]))
  for (const { cells } of endpoints) {
    const state = endpointState(registry, cells)
    counts.set(state, (counts.get(state) ?? 0) + 1)
  }
  return counts
}

/** Whether workers use every endpoint, because a feature says that too few are healthy. */
export function panics(
  registry: CellRegistry,
  features: readonly AnyFeature[],
  config: UpstreamConfig,
  set: UpstreamEndpoints,
): boolean {
  const counts = countStates(registry, set)
  const healthy = counts.get('usable') ?? 0
  const all = healthy + (counts.get('unhealthy') ?? 0)
  return upstreamUses(config, features).some(
    ([{ upstream }, { options }]) => upstream?.ignoresHealth?.(options, healthy, all) === true,
  )
}
