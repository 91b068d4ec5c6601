import type { CellReader } from '../../core/feature.ts'
import { choice, record, ref, TEXT } from '../../schema/shape.ts'
import type { BreakerCells } from './cells.ts'
import { circuitState } from './circuit.ts'

/** States of a breaker as operators see them, in metrics and in the API. */
export const BREAKER_STATES = ['closed', 'open', 'half_open', 'ramping', 'forced_open', 'forced_closed'] as const
export type BreakerState = (typeof BREAKER_STATES)[number]

/** Breakers as the description of the API shows them. */
export const BREAKER_SCHEMAS = {
  BreakerState: choice(...BREAKER_STATES),
  Breaker: record({ route: TEXT, upstream: TEXT, state: ref('BreakerState') }),
}

const NAMES = {
  closed: 'closed',
  open: 'open',
  halfOpen: 'half_open',
  ramping: 'ramping',
  forcedOpen: 'forced_open',
  forcedClosed: 'forced_closed',
} as const satisfies Record<ReturnType<typeof circuitState>, BreakerState>

/** What a breaker does now. */
export function breakerState({ state }: BreakerCells[string]['circuit'], look: CellReader): BreakerState {
  return NAMES[circuitState(look.words(state), state.slot)]
}
