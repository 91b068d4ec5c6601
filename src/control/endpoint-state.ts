import { EndpointState as Bits, type UpstreamEndpoints } from '../core/protocol.ts'
import type { CellRegistry } from './registry.ts'

export const ENDPOINT_STATES = ['usable', 'unhealthy', 'draining'] as const

export type EndpointState = (typeof ENDPOINT_STATES)[number]

/** What a state word says; draining was an operator's wish and counts before health. */
export function endpointState(word: number): EndpointState {
  if ((word & Bits.draining) !== 0) return 'draining'
  return (word & Bits.unhealthy) !== 0 ? 'unhealthy' : 'usable'
}

/** How many endpoints of an upstream are in each state, zeros included. */
export function countStates(registry: CellRegistry, { endpoints }: UpstreamEndpoints): Map<EndpointState, number> {
  const counts = new Map<EndpointState, number>(ENDPOINT_STATES.map((state) => [state, 0]))
  for (const { cells } of endpoints) {
    const state = endpointState(registry.read(cells.state))
    counts.set(state, (counts.get(state) ?? 0) + 1)
  }
  return counts
}
