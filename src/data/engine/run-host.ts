import type { Exchange } from '../../core/exchange.ts'
import type { EventClock } from '../../lib/event-clock.ts'
import type { Random } from '../../lib/random.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import type { Recorder } from '../seeing/recorder.ts'
import type { ReplayBudget } from './replay.ts'
import type { Snapshot } from './snapshot.ts'

/** Where an exchange runs: the engine. */
export interface RunHost<Run> {
  readonly clock: EventClock
  readonly timers: TimerWheel
  readonly random: Random
  readonly recorder: Pick<Recorder, 'finish' | 'attempt'>
  readonly requestId: () => string
  readonly replay: ReplayBudget
  bug(ex: Exchange, error: unknown): void
  /** The run has ended. */
  left(run: Run, snapshot: Snapshot): void
}
