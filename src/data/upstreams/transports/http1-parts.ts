import type { EventClock } from '../../../lib/event-clock.ts'
import type { Spread } from '../../../lib/lifetime.ts'
import type { Pieces } from '../../../lib/pieces.ts'
import type { TimerWheel } from '../../../lib/timers.ts'
import type { SecureContexts } from './dial.ts'
import type { ReadMemory } from './http1-read-buffers.ts'
import type { Turn } from './http1-turn.ts'

/** Shared by the connections of one transport. */
export interface TransportParts {
  readonly clock: EventClock
  readonly timers: TimerWheel
  readonly spread: Spread
  readonly contexts: SecureContexts
  readonly turn: Turn
  /** Small reads that are left in it are taken out before the next read. */
  readonly reads: ReadMemory
  readonly pieces: Pieces
}
