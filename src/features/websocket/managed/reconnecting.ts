import type { Duplex } from 'node:stream'
import { type Failure, failure } from '../../../core/failures.ts'
import type { HeldTunnel } from '../../../core/tunnel.ts'
import type { Clock } from '../../../lib/clock.ts'
import { type FlatHeaders, fieldValue } from '../../../lib/headers.ts'
import type { Random } from '../../../lib/random.ts'
import { Timer, type TimerWheel } from '../../../lib/timers.ts'
import type { Broken } from './framed-end.ts'

export interface ReconnectOptions {
  /** Attempts in a row. */
  readonly max: number
  /** Milliseconds. */
  readonly backoff: { readonly base: number; readonly cap: number }
  /** Milliseconds that a client may be without an upstream. */
  readonly within: number
}

/** Why an upstream was lost: `code`: of its Close; 0: it sent none. */
export interface Loss {
  readonly how: Broken['how'] | 'closed'
  readonly code: number
}

/** What is told of replacements, for metrics and decisions. */
export interface ReconnectingEvents {
  /** The upstream was replaced, the `times`th time, `ms` after it was lost. */
  onReplaced(times: number, loss: Loss, ms: number): void
  /** An attempt to replace it failed. */
  onFailed(why: Failure): void
  /** No upstream took its place within the bounds, `attempts` and milliseconds. */
  onGivenUp(loss: Loss, attempts: number, ms: number): void
}

export interface ReconnectingOwner {
  onReplacement(upstream: Duplex): void
  onNoReplacement(why: Failure): void
}

export interface ReconnectingDeps {
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly random: Random
}

/** An upstream that lasted so long ends the row of attempts: what is taken and dropped at once must come to an end. */
const STEADY_MS = 10_000

const LOST: Failure = failure('upstream_reset', 'upgrade', 'upstream')
const BAD: Failure = failure('bad_response', 'upgrade', 'upstream')

/** Puts another upstream in the place of one that is lost: attempts with growing waits between them, within a time. */
export class Reconnecting {
  private readonly options: ReconnectOptions
  private readonly deps: ReconnectingDeps
  private readonly tunnel: HeldTunnel
  private readonly owner: ReconnectingOwner
  private readonly events: ReconnectingEvents
  /** That the first upstream chose. */
  private readonly protocol: string | undefined
  private since: number
  private lostAt = 0
  private loss: Loss | undefined = undefined
  private inRow = 0
  private times = 0
  private readonly again: Timer
  private readonly gap: Timer

  constructor(
    options: ReconnectOptions,
    protocol: string | undefined,
    tunnel: HeldTunnel,
    deps: ReconnectingDeps,
    owner: ReconnectingOwner,
    events: ReconnectingEvents,
  ) {
    this.options = options
    this.protocol = protocol
    this.tunnel = tunnel
    this.deps = deps
    this.owner = owner
    this.events = events
    this.since = deps.clock.now()
    this.again = new Timer(() => this.connect())
    this.gap = new Timer(() => this.giveUp(LOST))
  }

  begin(loss: Loss): void {
    const { clock, timers } = this.deps
    this.loss = loss
    this.lostAt = clock.now()
    if (this.lostAt - this.since >= STEADY_MS) this.inRow = 0
    timers.schedule(this.gap, this.options.within)
    this.next(LOST)
  }

  /** None is needed any more: what still comes is closed. */
  stop(): void {
    const { timers } = this.deps
    this.loss = undefined
    timers.cancel(this.again)
    timers.cancel(this.gap)
  }

  private next(why: Failure): void {
    const { random, timers } = this.deps
    const { backoff, max } = this.options
    if (this.inRow >= max) this.giveUp(why)
    // Full jitter: all clients of an endpoint lose it at once.
    else timers.schedule(this.again, random.float() * Math.min(backoff.cap, backoff.base * 2 ** this.inRow))
  }

  private connect(): void {
    this.inRow++
    this.tunnel.connect(
      (headers, upstream) => this.onConnected(headers, upstream),
      (why) => this.onFailed(why),
    )
  }

  private onConnected(headers: FlatHeaders, upstream: Duplex): void {
    const { loss } = this
    // None was asked for: frames of an extension would be a fault.
    const extended = fieldValue(headers, 'sec-websocket-extensions') !== undefined
    const fits = !extended && fieldValue(headers, 'sec-websocket-protocol') === this.protocol
    if (loss === undefined || !fits) {
      upstream.destroy()
      this.onFailed(BAD)
      return
    }
    this.stop()
    this.since = this.deps.clock.now()
    this.times++
    this.events.onReplaced(this.times, loss, this.since - this.lostAt)
    this.owner.onReplacement(upstream)
  }

  private onFailed(why: Failure): void {
    if (this.loss === undefined) return
    this.events.onFailed(why)
    this.next(why)
  }

  private giveUp(why: Failure): void {
    const loss = this.loss as Loss
    this.stop()
    this.events.onGivenUp(loss, this.inRow, this.deps.clock.now() - this.lostAt)
    this.owner.onNoReplacement(why)
  }
}
