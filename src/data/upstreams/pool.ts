import type { CallCell } from '../../cells/call.ts'
import type { HeldCell } from '../../cells/held.ts'
import { NO_RELIEF, type Relief, type Stalled, type Want } from '../../core/relief.ts'
import type {
  Connection,
  ConnectionOptions,
  ConnectionOwner,
  Target,
  Transport,
  TransportEvents,
  TransportFailure,
  TransportRequest,
} from '../../core/transport.ts'
import type { AttemptPermits } from '../../core/upstream-part.ts'
import type { Clock } from '../../lib/clock.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import type { LifeLimit } from '../../lib/lifetime.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import { HeldLine } from './held-line.ts'
import { IdleLimit } from './idle-limit.ts'

/** What a pool reports about a request. */
export interface PoolEvents extends TransportEvents {
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

export interface PoolOptions {
  readonly transport: Transport
  readonly target: Target
  readonly connection: ConnectionOptions
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
  /** Connections opened and not closed. */
  readonly connections: HeldCell
  readonly clock: Clock
  /** Asked for the time when a request has just ended: a clock costs more than all the rest of it. */
  readonly timers: Pick<TimerWheel, 'coarseNow'>
  /** The peer closes idle connections after this many milliseconds, sooner than Sluice would; reported once. */
  readonly onIdleLimit: (ms: number) => void
  /** A connection had reached a limit of its life, and is closed. */
  readonly onRetired: (limit: LifeLimit) => void
}

/**
 * Connections to one endpoint: one request at a time on each, the last used is used first, so that connections that are not
 * needed grow old and close. Requests beyond the bound wait in order; beyond that bound, or beyond the most that may be in
 * flight, they get `pool_full`. Before they wait, connections that only slow clients hold are taken back.
 */
export class Pool implements Want {
  private readonly options: PoolOptions
  private limits: PoolLimits
  private readonly idle: Member[] = []
  private readonly relief: Relief
  private readonly waiters: HeldLine<Ticket>
  private size = 0
  private closing = false
  /** undefined: it was found and reported. */
  private idleLimit: IdleLimit | undefined

  constructor(options: PoolOptions) {
    this.options = options
    this.relief = options.relief ?? NO_RELIEF
    this.waiters = new HeldLine(options.waiting)
    this.idleLimit = new IdleLimit(options.connection.keepAliveMs)
    this.limits = options.limits
  }

  /** Connections, busy and idle. */
  get open(): number {
    return this.size
  }

  get waiting(): number {
    return this.waiters.length
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
    const member = this.waiters.length === 0 ? (this.takeIdle() ?? this.openMember()) : undefined
    if (member === undefined) this.wait(ticket)
    else member.serve(ticket)
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

  /** Closes idle connections now and busy ones after their request; waiting requests are still served. */
  close(): void {
    this.closing = true
    for (const member of this.idle.splice(0)) member.connection.close()
  }

  /** @internal */
  abort(ticket: Ticket): void {
    const { member } = ticket
    if (member !== undefined) {
      this.release(ticket)
      member.ticket = undefined
      member.connection.abort()
    } else if (ticket.waiting) {
      this.waiters.remove(ticket)
      this.release(ticket)
    }
  }

  /** @internal The member's request ended and its connection can serve another one. */
  onIdle(member: Member): void {
    this.release(member.ticket)
    member.ticket = undefined
    if (this.waiters.length > 0) this.serveNext(member)
    else if (this.closing) member.connection.close()
    else {
      member.idleSince = this.options.timers.coarseNow
      this.idle.push(member)
    }
  }

  /** @internal */
  onClosed(member: Member): void {
    this.release(member.ticket)
    member.ticket = undefined
    const { retired } = member.connection
    const place = this.idle.lastIndexOf(member)
    if (place !== -1) this.idle.splice(place, 1)
    if (retired !== undefined) this.options.onRetired(retired)
    else if (place !== -1) this.endedIdle(member.idleSince)
    this.size--
    this.options.connections.give()
    this.admit()
  }

  /** Joins the line, unless that is too long. */
  private wait(ticket: Ticket): void {
    this.waiters.push(ticket)
    // An exchange that is ended for it closes its connection a turn or two later: there is room in the line until then.
    if (this.relief.end(this) || this.waiters.length <= this.limits.maxWaiting) return
    this.waiters.remove(ticket)
    this.release(ticket)
    ticket.events.onFailure(POOL_FULL)
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

  private leave(ticket: Ticket): void {
    this.options.inFlight.give()
    this.givePermit(ticket)
  }

  private admit(): void {
    while (this.waiters.length > 0) {
      const member = this.openMember()
      if (member === undefined) return
      this.serveNext(member)
    }
  }

  private serveNext(member: Member): void {
    const next = this.waiters.shift() as Ticket
    next.events.onDequeued()
    member.serve(next)
  }

  private takeIdle(): Member | undefined {
    for (;;) {
      const member = this.idle.pop()
      // A closed one only waits to report that.
      if (member === undefined || !member.connection.closed) return member
    }
  }

  private openMember(): Member | undefined {
    if (this.size >= this.limits.max) return undefined
    this.size++
    this.options.connections.take()
    return new Member(this, this.options)
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

  private release(ticket: Ticket | undefined): void {
    if (ticket === undefined || !ticket.held) return
    ticket.held = false
    ticket.member = undefined
    this.leave(ticket)
  }
}

/** One request in a pool. Once it has ended, or was aborted, every call does nothing. */
export class Ticket {
  readonly request: TransportRequest
  readonly events: PoolEvents
  /** @internal The connection that serves it. */
  member: Member | undefined = undefined
  /** @internal Counted in flight. */
  held = false
  /** @internal Whose permit it has; undefined: none. */
  permits: AttemptPermits | undefined = undefined
  /** @internal */
  previous: Ticket | undefined = undefined
  /** @internal */
  next: Ticket | undefined = undefined
  private readonly pool: Pool

  constructor(pool: Pool, request: TransportRequest, events: PoolEvents) {
    this.pool = pool
    this.request = request
    this.events = events
  }

  /** It has a connection of this pool. */
  isOn(pool: Pool): boolean {
    return this.pool === pool && this.member !== undefined
  }

  /** Another worker asks for something that it holds. True: it must be ended. */
  called(now: number): boolean {
    return this.member !== undefined && (this.permits?.called(now) === true || this.pool.called(now))
  }

  /** No connection has been free for it yet. */
  get waiting(): boolean {
    return this.held && this.member === undefined
  }

  write(chunk: Buffer): boolean {
    return this.member?.connection.write(chunk) ?? true
  }

  end(trailers: FlatHeaders): void {
    this.member?.connection.end(trailers)
  }

  pause(): void {
    this.member?.connection.pause()
  }

  resume(): void {
    this.member?.connection.resume()
  }

  /** It no longer counts for the upstream's bulkhead. */
  givePermit(): void {
    this.pool.givePermit(this)
  }

  /** Ends it, waiting or running, without any further event. */
  abort(): void {
    this.pool.abort(this)
  }
}

/** A connection in its pool, with the request it serves. */
class Member implements ConnectionOwner {
  readonly connection: Connection
  ticket: Ticket | undefined = undefined
  /** Clock milliseconds. */
  idleSince = 0
  private readonly pool: Pool

  constructor(pool: Pool, options: PoolOptions) {
    this.pool = pool
    this.connection = options.transport.open(options.target, options.connection, this)
  }

  serve(ticket: Ticket): void {
    this.ticket = ticket
    ticket.member = this
    this.connection.start(ticket.request, ticket.events)
  }

  onIdle(): void {
    this.pool.onIdle(this)
  }

  onClosed(): void {
    this.pool.onClosed(this)
  }
}

const POOL_FULL = {
  reason: 'pool_full',
  phase: 'queue',
  connected: false,
  reused: false,
  bytesSent: false,
  requestDone: false,
  responseStarted: false,
} as const

const BULKHEAD_FULL = { ...POOL_FULL, reason: 'bulkhead_full', phase: 'limit' } as const
