import type { Duplex } from 'node:stream'
import { type Failure, failure } from '../../../core/failures.ts'
import type { Connected, Side } from '../../../core/services.ts'
import type { Clock } from '../../../lib/clock.ts'
import { fieldValue } from '../../../lib/headers.ts'
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
  /** Its client waits for another upstream from now on. */
  onLost(): void
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
  /** Asks for another upstream: `last`, the endpoint of the one before, last of all. */
  readonly connect: (last: string) => Side<Connected>
}

/** An upstream that lasted so long ends the row of attempts: what is taken and dropped at once must come to an end. */
const STEADY_MS = 10_000

/** Answers that another attempt would get, too: the client has to shake hands again itself. */
const FINAL: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 410, 426])

const LOST: Failure = failure('upstream_reset', 'upgrade', 'upstream')
const BAD: Failure = failure('bad_response', 'upgrade', 'upstream')
const REFUSED: Failure = failure('upstream_error', 'upgrade', 'upstream')

/** Puts another upstream in the place of one that is lost: attempts with growing waits between them, within a time. */
export class Reconnecting {
  private readonly options: ReconnectOptions
  private readonly deps: ReconnectingDeps
  /** Of the latest upstream. */
  private endpoint: string
  private side: Side<Connected> | undefined = undefined
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
    endpoint: string,
    deps: ReconnectingDeps,
    owner: ReconnectingOwner,
    events: ReconnectingEvents,
  ) {
    this.options = options
    this.protocol = protocol
    this.endpoint = endpoint
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
    this.events.onLost()
    this.next(LOST)
  }

  /** None is needed any more: what still comes is closed. */
  stop(): void {
    const { side } = this
    const { timers } = this.deps
    this.loss = undefined
    this.side = undefined
    side?.cancel()
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
    this.side = this.deps.connect(this.endpoint)
    this.side.result.then((answer) => {
      this.side = undefined
      if ('reason' in answer) this.onFailed(answer)
      else this.onAnswer(answer)
    })
  }

  private onAnswer({ endpoint, headers, socket: upstream, status }: Connected): void {
    const { loss } = this
    if (upstream === undefined) {
      this.onFailed(REFUSED, FINAL.has(status))
      return
    }
    // None was asked for: frames of an extension would be a fault.
    const extended = fieldValue(headers, 'sec-websocket-extensions') !== undefined
    const fits = !extended && fieldValue(headers, 'sec-websocket-protocol') === this.protocol
    if (loss === undefined || !fits) {
      upstream.destroy()
      this.onFailed(BAD)
      return
    }
    this.stop()
    this.endpoint = endpoint
    this.since = this.deps.clock.now()
    this.times++
    this.events.onReplaced(this.times, loss, this.since - this.lostAt)
    this.owner.onReplacement(upstream)
  }

  private onFailed(why: Failure, final = false): void {
    if (this.loss === undefined) return
    this.events.onFailed(why)
    if (final) this.giveUp(why)
    else this.next(why)
  }

  private giveUp(why: Failure): void {
    const loss = this.loss as Loss
    this.stop()
    this.events.onGivenUp(loss, this.inRow, this.deps.clock.now() - this.lostAt)
    this.owner.onNoReplacement(why)
  }
}
