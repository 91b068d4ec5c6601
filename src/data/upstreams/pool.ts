import type { CallCell } from '../../cells/call.ts'
import type { HeldCell } from '../../cells/held.ts'
import { NO_RELIEF, type Relief, type Stalled, type Want } from '../../core/relief.ts'
import type {
  StreamHolder,
  TransportEvents,
  TransportFailure,
  TransportRequest,
  UpstreamStream,
} from '../../core/transport.ts'
import type { AttemptPermits } from '../../core/upstream-part.ts'
import type { Clock } from '../../lib/clock.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import type { LifeLimit } from '../../lib/lifetime.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import { IdleLimit } from './idle-limit.ts'
import { type PoolLink, PoolLinks, type PoolLinksOptions, type PoolLinksOwner } from './pool-links.ts'
import { BULKHEAD_FULL, POOL_FULL } from './pool-refusals.ts'
import { type InTurn, leavesLine, shareOf, Turns } from './turns.ts'
import { half, UploadPlaces } from './upload-places.ts'

/** A request for a pool. */
export interface PoolRequest {
  readonly request: TransportRequest
  readonly events: TransportEvents
}

/** What a pool reports about a request. */
export interface PoolEvents extends TransportEvents {
  /** Address of the client; undefined: there is none. */
  readonly client?: string
  /** See {@link InTurn}; undefined: false. */
  readonly uploads?: boolean
  /** It waited for a connection and gets one now. */
  onDequeued(): void
}

/** Bounds of a pool; both may change while it lives. */
export interface PoolLimits {
  /** Open connections of this worker, at least 1. */
  readonly max: number
  /** Requests that wait for one of them. */
  readonly maxWaiting: number
  /** Requests in flight, waiting ones included, of all workers together; undefined: no such bound. */
  readonly maxConcurrent: number | undefined
}

export interface PoolOptions extends PoolLinksOptions {
  readonly limits: PoolLimits
  /** Requests started and not ended, waiting ones included. */
  readonly inFlight: HeldCell
  /** What to end when connections or requests in flight run out; without it slow clients keep theirs. */
  readonly relief?: Relief
  /** To ask other workers when requests in flight run out. */
  readonly call?: CallCell
  /** Of the upstream. `permits`: undefined: nothing bounds its attempts. */
  readonly group?: { readonly permits: AttemptPermits | undefined }
  /** Of its upstream: requests that wait for a connection. */
  readonly waiting: HeldCell
  readonly clock: Clock
  /** Asked for the time when a request has just ended: a clock costs more than all the rest of it. */
  readonly timers: Pick<TimerWheel, 'coarseNow'>
  /** The peer closes idle connections after this many milliseconds, sooner than Sluice would; reported once. */
  readonly onIdleLimit: (ms: number) => void
  /** A connection had reached a limit of its life, and is closed. */
  readonly onRetired: (limit: LifeLimit) => void
}

/**
 * Links to one endpoint, each with as many requests at a time as it has room for. Of those with room the one that got it last
 * is used first, so that links that are not needed grow old and close; another one is opened only if none has room. One that
 * leaves counts until it has closed. Requests beyond the bound wait in order; beyond that bound, or beyond the most that may
 * be in flight, they get `pool_full`. Before they wait, connections that only slow clients hold are taken back. Requests whose
 * bodies are still to come have at most half of the connections, and those of several clients take turns, see `turns.ts`.
 */
export class Pool implements Want, PoolLinksOwner {
  private readonly options: PoolOptions
  private limits: PoolLimits
  private readonly links: PoolLinks
  private readonly relief: Relief
  private readonly turns: Turns<Ticket>
  private readonly places: UploadPlaces
  /** Links that slow clients were made to give back, and that have yet to close. */
  private promised = 0
  private closing = false
  /** undefined: it was found and reported. */
  private idleLimit: IdleLimit | undefined

  constructor(options: PoolOptions) {
    this.options = options
    this.relief = options.relief ?? NO_RELIEF
    this.turns = new Turns(options.waiting)
    this.places = new UploadPlaces(this, this.turns, () => this.limits.max)
    this.idleLimit = new IdleLimit(options.connection.keepAliveMs)
    this.links = new PoolLinks(options, this)
    this.limits = options.limits
  }

  /** Connections, busy and idle. */
  get open(): number {
    return this.links.size
  }

  /** Those that wait for a connection, and not for a place among the uploads. */
  get waiting(): number {
    return this.turns.line.length - this.places.waiting
  }

  /** Begins a request; events may come before this returns. After `close` it is still served. */
  start(request: TransportRequest, events: PoolEvents): Ticket {
    const ticket = new Ticket(this, request, events)
    const refused = this.enter(ticket)
    if (refused !== undefined) {
      events.onFailure(refused)
      return ticket
    }
    ticket.held = true
    const link = this.hasRoom && this.mayBegin(ticket) ? this.room() : undefined
    if (link === undefined) this.wait(ticket)
    else this.begin(ticket, link)
    return ticket
  }

  /** Each worker has its share of the connections. */
  get call(): CallCell | undefined {
    return this.limits.maxConcurrent === undefined ? undefined : this.options.call
  }

  frees({ ticket }: Stalled): boolean {
    return ticket instanceof Ticket && ticket.isOn(this)
  }

  /** Another worker asks for one more request in flight. True: one must be freed here. */
  called(now: number): boolean {
    const { call } = this
    const { maxConcurrent = 0 } = this.limits
    return call !== undefined && this.options.inFlight.sum() >= maxConcurrent && call.answer(now)
  }

  resize(limits: PoolLimits): void {
    this.limits = limits
    this.admit()
  }

  /** Closes idle connections now and busy ones after their last request; waiting requests are still served. */
  close(): void {
    this.closing = true
    this.links.closeIdle()
  }

  /** @internal */
  abort(ticket: Ticket): void {
    const { link, stream } = ticket
    if (link !== undefined) {
      this.release(ticket)
      stream?.abort()
      this.freed(link)
    } else if (ticket.waiting) {
      this.turns.leave(ticket)
      this.release(ticket)
    }
  }

  /** @internal Its request has ended. */
  released(ticket: Ticket): void {
    const { link } = ticket
    this.release(ticket)
    if (link !== undefined) this.freed(link)
  }

  /** @internal Its link has no room for it after all: it waits in front of the others, who came later. */
  returned(ticket: Ticket): void {
    this.off(ticket)
    this.turns.line.unshift(ticket)
  }

  /** @internal */
  onCapacity(link: PoolLink): void {
    this.links.note(link)
    this.admit()
  }

  /** @internal */
  onClosed({ idleSince, link: { retired } }: PoolLink, idle: boolean): void {
    if (retired !== undefined) this.options.onRetired(retired)
    else if (idle) this.endedIdle(idleSince)
    if (this.promised > 0) this.promised--
    this.admit()
  }

  /** A stream of it has ended. */
  private freed(link: PoolLink): void {
    link.idleSince = this.options.timers.coarseNow
    while (this.turns.line.length > 0 && link.hasRoom) {
      const first = this.turns.first(this.places.free > 0)
      if (first === undefined) break
      this.serve(first, link)
    }
    if (this.closing && link.taken === 0) link.close()
    // One that has failed leaves the list now, while it is known that it was not idle.
    else this.links.note(link)
  }

  /** Joins the line, unless that is too long. */
  private wait(ticket: Ticket): void {
    const { relief, turns } = this
    turns.line.push(ticket)
    const length = turns.line.length
    // An exchange that is ended for it closes its connection a turn or two later: there is room in the line until then.
    if (relief.end(ticket.uploads && this.places.free === 0 ? this.places : this) && turns.line.length === length)
      this.promised++
    if (!ticket.waiting || this.fits(ticket)) return
    const leaves = ticket.uploads ? ticket : leavesLine(turns.line, ticket)
    turns.leave(leaves)
    this.release(leaves)
    leaves.events.onFailure(POOL_FULL)
  }

  /** The latest one may wait. Uploads have half of the line, too: while they wait, they hold permits. */
  private fits({ uploads }: Ticket): boolean {
    const { limits, promised, turns } = this
    if (turns.line.length > limits.maxWaiting + promised) return false
    return !uploads || turns.uploadsWaiting <= half(limits.maxWaiting) + promised
  }

  /** Nothing that waits has to come before it. */
  private mayBegin({ uploads }: Ticket): boolean {
    if (!uploads && this.turns.line.length === 0) return true
    const { free } = this.places
    return (!uploads || free > 0) && this.turns.first(free > 0) === undefined
  }

  private begin(ticket: Ticket, link: PoolLink): void {
    ticket.counts = ticket.uploads
    if (ticket.counts) this.places.taken++
    this.turns.busy.add(ticket)
    if (this.turns.line.length > 0) this.turns.count(ticket, 1)
    ticket.begin(link)
  }

  /** It is on no link any more. */
  private off(ticket: Ticket): void {
    if (ticket.link === undefined) return
    this.turns.busy.delete(ticket)
    if (this.turns.line.length > 0) this.turns.count(ticket, -1)
    if (ticket.counts) this.places.taken--
    ticket.leave()
  }

  /** Takes what a request needs, or returns why it cannot. */
  private enter(ticket: Ticket): TransportFailure | undefined {
    if (!this.permit(ticket)) return BULKHEAD_FULL
    const { inFlight } = this.options
    const { maxConcurrent } = this.limits
    if (maxConcurrent === undefined) inFlight.take()
    else if (!inFlight.takeBelow(maxConcurrent) && (!this.relief.end(this) || !inFlight.takeBelow(maxConcurrent))) {
      this.givePermit(ticket)
      return POOL_FULL
    }
    return undefined
  }

  private endedIdle(since: number): void {
    const { clock, onIdleLimit } = this.options
    const ms = this.idleLimit?.closed(since, clock.now())
    if (ms === undefined) return
    this.idleLimit = undefined
    onIdleLimit(ms)
  }

  private admit(): void {
    while (this.turns.line.length > 0 && this.hasRoom) {
      const first = this.turns.first(this.places.free > 0)
      if (first === undefined) return
      this.serve(first, this.room() as PoolLink)
    }
  }

  private serve(ticket: Ticket, link: PoolLink): void {
    this.turns.leave(ticket)
    ticket.events.onDequeued()
    this.begin(ticket, link)
  }

  private get hasRoom(): boolean {
    return this.links.size < this.limits.max || this.links.withRoom() !== undefined
  }

  /** A link that can take a request. */
  private room(): PoolLink | undefined {
    return this.links.withRoom() ?? (this.links.size < this.limits.max ? this.links.open() : undefined)
  }

  /** @internal */
  givePermit(ticket: Ticket): void {
    const { permits } = ticket
    ticket.permits = undefined
    permits?.give()
  }

  private permit(ticket: Ticket): boolean {
    const permits = this.options.group?.permits
    if (permits === undefined) return true
    if (!permits.take()) return false
    ticket.permits = permits
    return true
  }

  private release(ticket: Ticket): void {
    if (!ticket.held) return
    ticket.held = false
    this.off(ticket)
    this.options.inFlight.give()
    this.givePermit(ticket)
  }
}

/** One request in a pool. Once it has ended, or was aborted, every call does nothing. */
export class Ticket implements StreamHolder, PoolRequest, InTurn {
  readonly request: TransportRequest
  readonly events: PoolEvents
  /** @internal The one that serves it. */
  link: PoolLink | undefined = undefined
  /** @internal */
  stream: UpstreamStream | undefined = undefined
  /** @internal Counted in flight. */
  held = false
  /** @internal Whose permit it has; undefined: none. */
  permits: AttemptPermits | undefined = undefined
  /** @internal It counts among the uploads of its pool. */
  counts = false
  /** @internal */
  previous: Ticket | undefined = undefined
  /** @internal */
  next: Ticket | undefined = undefined
  private readonly pool: Pool
  private known: string | undefined = undefined

  constructor(pool: Pool, request: TransportRequest, events: PoolEvents) {
    this.pool = pool
    this.request = request
    this.events = events
  }

  get share(): string {
    this.known ??= shareOf(this.events.client ?? '')
    return this.known
  }

  get uploads(): boolean {
    return this.request.contentLength !== 0 && this.events.uploads === true
  }

  /** It has a connection of this pool. */
  isOn(pool: Pool): boolean {
    return this.pool === pool && this.link !== undefined
  }

  /** Another worker asks for something that it holds. True: it must be ended. */
  called(now: number): boolean {
    return this.link !== undefined && (this.permits?.called(now) === true || this.pool.called(now))
  }

  /** No connection has been free for it yet. */
  get waiting(): boolean {
    return this.held && this.link === undefined
  }

  write(chunk: Buffer): boolean {
    return this.stream?.write(chunk) ?? true
  }

  end(trailers: FlatHeaders): void {
    this.stream?.end(trailers)
  }

  pause(): void {
    this.stream?.pause()
  }

  resume(): void {
    this.stream?.resume()
  }

  /** It no longer counts for the upstream's bulkhead. */
  givePermit(): void {
    this.pool.givePermit(this)
  }

  /** Ends it, waiting or running, without any further event. */
  abort(): void {
    this.pool.abort(this)
  }

  onReleased(): void {
    this.pool.released(this)
  }

  onReturned(): void {
    this.pool.returned(this)
  }

  /** @internal */
  begin(link: PoolLink): void {
    this.link = link
    this.stream = link.start(this, this)
  }

  /** @internal */
  leave(): void {
    if (this.link !== undefined) this.link.taken--
    this.link = undefined
    this.stream = undefined
  }
}
