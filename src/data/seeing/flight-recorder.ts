import type { Exchange } from '../../core/exchange.ts'
import type { AnyFeature, Refusals } from '../../core/feature.ts'
import { type Crowd, crowdOf, type Flight, type FlightFilter, type FlightSummary, passes } from '../../core/flight.ts'
import type { ConfigHead, FromWorker } from '../../core/protocol.ts'
import type { Counter } from '../../core/series.ts'
import type { Clock, ClockHandle } from '../../lib/clock.ts'
import type { AccessLogRoute } from './access-log.ts'
import { flightOf, type RefusalsByPolicy, summaryOf } from './flight-story.ts'

const FLUSH_MS = 100
/** Per second and worker. */
const RECORDED: Readonly<Record<Crowd, number>> = { client: 20, refused: 20, attempted: 60 }
const TAPPED = 200

/** The part of a config generation that decides what is kept. */
export type FlightHead = Pick<ConfigHead, 'flightRecorder'>

/** Sees the requests of one route at their end. */
export interface FlightRoute {
  /** `status`: what the client got; `now`: clock milliseconds. */
  finish(ex: Exchange, status: number, now: number): void
}

/**
 * The flight recorder of one worker: failed and slow requests go to the control plane, in batches and up to a limit; so do
 * the requests that taps ask for, while there are any. Nothing is kept of other requests.
 */
export class FlightRecorder {
  private readonly clock: Clock
  private readonly post: (message: FromWorker) => void
  private readonly dropped: Counter
  private readonly recorded: Readonly<Record<Crowd, Quota>>
  private readonly tapped: Quota
  private readonly refusals: RefusalsByPolicy
  private filters: readonly FlightFilter[] = []
  private flights: Flight[] = []
  private shown: FlightSummary[] = []
  private lost = 0
  private flushing: ClockHandle = undefined

  /** `dropped`: counts those above the limit; `features` tell their refusals. */
  constructor(clock: Clock, post: (message: FromWorker) => void, dropped: Counter, features: readonly AnyFeature[]) {
    this.refusals = new Map(
      features.flatMap(({ name, refusals, upstream }): [string, Refusals][] => [
        ...(refusals === undefined ? [] : [[name, refusals] satisfies [string, Refusals]]),
        ...(upstream?.refuses === undefined
          ? []
          : [[upstream.refuses.as, upstream.refuses.told] satisfies [string, Refusals]]),
      ]),
    )
    this.clock = clock
    this.post = post
    this.dropped = dropped
    const { client, refused, attempted } = RECORDED
    this.recorded = { client: new Quota(client), refused: new Quota(refused), attempted: new Quota(attempted) }
    this.tapped = new Quota(TAPPED)
  }

  route(match: AccessLogRoute, { flightRecorder }: FlightHead): FlightRoute {
    return new RecordedRoute(
      this,
      match,
      flightRecorder?.slow ?? Number.POSITIVE_INFINITY,
      flightRecorder !== undefined,
    )
  }

  /** @internal Whether there is a tap. */
  get tapping(): boolean {
    return this.filters.length > 0
  }

  /** Requests that one of these lets pass are shown from now on. */
  tap(filters: readonly FlightFilter[]): void {
    this.filters = filters
  }

  /** Reports all that it has; no timer is left. */
  flush(): void {
    this.clock.cancel(this.flushing)
    this.flushing = undefined
    if (this.flights.length > 0) this.post({ type: 'flights', flights: this.flights })
    if (this.shown.length + this.lost > 0) this.post({ type: 'tapped', requests: this.shown, lost: this.lost })
    this.flights = []
    this.shown = []
    this.lost = 0
  }

  /** @internal */
  record(ex: Exchange, status: number, now: number, match: AccessLogRoute, why: 'failed' | 'slow'): void {
    if (!this.recorded[crowdOf(ex.failure?.origin, ex.attempts)].take(now)) {
      this.dropped.inc()
      return
    }
    this.flights.push(flightOf({ ex, status, now, wall: this.clock.wall() }, match, why, this.refusals))
    this.flushSoon()
  }

  /** @internal */
  show(ex: Exchange, status: number, now: number, match: AccessLogRoute, why: FlightSummary['why']): void {
    const facts = { route: ex.route?.name ?? null, method: ex.method, status, reason: ex.failure?.reason ?? null }
    if (!this.filters.some((filter) => passes(filter, facts))) return
    if (this.tapped.take(now)) this.shown.push(summaryOf({ ex, status, now, wall: this.clock.wall() }, match, why))
    else this.lost++
    this.flushSoon()
  }

  private flushSoon(): void {
    this.flushing ??= this.clock.after(FLUSH_MS, () => this.flush())
  }
}

/** The requests of one route. */
class RecordedRoute implements FlightRoute {
  private readonly recorder: FlightRecorder
  private readonly match: AccessLogRoute
  private readonly slow: number
  private readonly records: boolean

  /** `slow`: milliseconds to the first byte. */
  constructor(recorder: FlightRecorder, match: AccessLogRoute, slow: number, records: boolean) {
    this.recorder = recorder
    this.match = match
    this.slow = slow
    this.records = records
  }

  finish(ex: Exchange, status: number, now: number): void {
    const { match, recorder } = this
    const failed = status >= 500 || ex.failure !== undefined
    const why = failed ? 'failed' : (ex.firstByteAt || now) - ex.startedAt > this.slow ? 'slow' : null
    if (this.records && why !== null) recorder.record(ex, status, now, match, why)
    if (recorder.tapping) recorder.show(ex, status, now, match, why)
  }
}

/** A fixed number per second, and then none until the next second begins. */
class Quota {
  private readonly limit: number
  private since = Number.NEGATIVE_INFINITY
  private used = 0

  constructor(limit: number) {
    this.limit = limit
  }

  take(now: number): boolean {
    if (now - this.since >= 1000) {
      this.since = now
      this.used = 0
    }
    return ++this.used <= this.limit
  }
}
