import type { Duplex } from 'node:stream'
import type { Exchange } from '../../core/exchange.ts'
import type { Failure } from '../../core/failures.ts'
import type { EventClock } from '../../lib/event-clock.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import type { Recorder } from '../seeing/recorder.ts'
import type { AnswerSink, Dispatch } from './dispatch.ts'
import type { RequestBody } from './replay.ts'

/** What the loop needs of the exchange's run. */
export interface AttemptsHost {
  readonly ex: Exchange
  readonly clock: EventClock
  readonly timers: TimerWheel
  readonly body: RequestBody | undefined
  /** The client delays the exchange, and has for a while. */
  readonly clientStalls: boolean
  /** Bytes that attempts announce: 0 none, -1 unknown. */
  readonly bodyLength: number
  /** An answer would take the place of a failure: from 500 on it is as good as none. */
  readonly standsIn: boolean
  /** The endpoint that is asked last where its upstream has others in service; undefined: none in particular. */
  readonly last: string | undefined
  onInformational(status: number, headers: FlatHeaders): void
  /** There is an answer to relay. undefined: it is not wanted, and everything was stopped. */
  onAnswer(dispatch: Dispatch, status: number, headers: FlatHeaders): AnswerSink | undefined
  /** The answer is a valid 101 to what `ex.upgrade` asked for; `upstream` is paused. */
  onUpgraded(dispatch: Dispatch, headers: FlatHeaders, upstream: Duplex): void
  /** No attempt gave one, and no further one can start. */
  fail(failure: Failure): void
  readonly engine: { readonly recorder: Pick<Recorder, 'attempt'> }
  /** A policy's hook threw. */
  onBug(error: unknown): void
}
