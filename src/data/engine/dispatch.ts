import type { Duplex } from 'node:stream'
import type { Attempt } from '../../core/attempt.ts'
import { FAILURES } from '../../core/failures.ts'
import { failedEnd, type TunnelEnd } from '../../core/outcome.ts'
import type { TransportFailure } from '../../core/transport.ts'
import type { Clock } from '../../lib/clock.ts'
import { dropStream } from '../../lib/drop-stream.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import { Timer, type TimerWheel } from '../../lib/timers.ts'
import type { Endpoint } from '../upstreams/endpoint.ts'
import type { PoolEvents, Ticket } from '../upstreams/pool.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import type { Candidate } from './choice.ts'
import type { Clocks } from './clocks.ts'
import type { RequestBody } from './replay.ts'

const DISCARD_BYTES = 65_536
const DISCARD_MS = 100
const BAD_UPGRADE = {
  reason: 'bad_response',
  phase: 'upgrade',
  connected: true,
  bytesSent: true,
  refusedUnprocessed: false,
  requestDone: true,
  responseStarted: true,
} as const

/** The attempt loop, which decides about an attempt. */
export interface DispatchOwner {
  readonly clock: Clock
  readonly timers: TimerWheel
  /** The client delays the exchange, and has for a while. */
  readonly clientStalls: boolean
  /** Address of the client. */
  readonly client: string
  /** The client has not sent all of the body yet, and the route reads bodies ahead. */
  readonly uploads: boolean
  /** It waited for a connection until now; `ticket` has the request that is about to be sent. */
  onDequeued(dispatch: Dispatch, ticket: Ticket): void
  onInformational(status: number, headers: FlatHeaders): void
  /** The answer's head; the owner returns the sink for the rest, or undefined: it is discarded. */
  onHead(dispatch: Dispatch, status: number, headers: FlatHeaders): AnswerSink | undefined
  /** What is wrong with a 101 to what was asked for; undefined: nothing. */
  upgradeProblem(headers: FlatHeaders): string | undefined
  /** The owner has the connection, which is paused, and calls `closed`. */
  onUpgraded(dispatch: Dispatch, headers: FlatHeaders, upstream: Duplex): void
  /** The time of `limit` has passed. */
  onExpired(dispatch: Dispatch): void
  /** Failed before its head. */
  onFailure(dispatch: Dispatch, failure: TransportFailure): void
}

/** Takes an answer after its head. */
export interface AnswerSink {
  /** See `TransportEvents`. */
  readonly borrows: number
  readonly keeps: boolean
  onData(chunk: Buffer): void
  onTrailers(headers: FlatHeaders): void
  onEnd(): void
  /** Broken by the upstream. */
  onBroken(failure: TransportFailure): void
}

/** One attempt on the wire: turns the transport's events into the two verdicts and passes the answer on. */
export class Dispatch implements PoolEvents, Candidate {
  readonly at: Attempt
  readonly endpoint: Endpoint
  readonly upstream: Upstream
  /** Milliseconds in which the request body had moved when it began. */
  private readonly movedBefore: number
  private readonly owner: DispatchOwner
  private readonly body: RequestBody | undefined
  private ticket: Ticket | undefined = undefined
  private sink: AnswerSink | undefined = undefined
  private wanted = false
  private over = false
  private discarded = 0
  private timer: Timer | undefined = undefined

  constructor(
    owner: DispatchOwner,
    { at, endpoint, upstream }: Candidate,
    body: RequestBody | undefined,
    movedBefore: number,
  ) {
    this.owner = owner
    this.body = body
    this.movedBefore = movedBefore
    this.at = at
    this.endpoint = endpoint
    this.upstream = upstream
  }

  get client(): string {
    return this.owner.client
  }

  get uploads(): boolean {
    return this.owner.uploads
  }

  /** After `pool.start` has returned; events may have come before. */
  begun(ticket: Ticket): void {
    this.ticket = ticket
    if (this.over) return
    if (this.wanted) this.body?.feed(ticket)
  }

  /** The owner's `onExpired` follows after `ms` unless the head or a failure comes first. */
  limit(ms: number): void {
    if (this.over || this.sink !== undefined) return
    this.timer ??= new Timer(() => this.owner.onExpired(this))
    this.owner.timers.schedule(this.timer, ms)
  }

  /** Milliseconds that it has had until `now`, without those in which the request body moved. */
  ranMs(clocks: Clocks, now: number): number {
    return now - this.at.startedAt - (clocks.movedMs() - this.movedBefore)
  }

  get ended(): boolean {
    return this.over
  }

  /** What it holds of its endpoint; undefined: it is over. */
  get held(): Ticket | undefined {
    return this.over ? undefined : this.ticket
  }

  get waiting(): boolean {
    return this.ticket?.waiting ?? false
  }

  /** Its answer may last: it no longer needs a permit of the upstream's bulkhead. */
  becomesStream(): void {
    this.ticket?.givePermit()
  }

  pause(): void {
    if (!this.over) this.ticket?.pause()
  }

  resume(): void {
    if (!this.over) this.ticket?.resume()
  }

  /** Ends the attempt at once; no event follows. */
  abort(end: Attempt['end'] = 'broken_by_us'): void {
    if (this.over) return
    this.finish(end)
    this.ticket?.abort()
  }

  onDequeued(): void {
    const { at, owner, ticket } = this
    const now = owner.clock.now()
    at.waitedMs = now - at.startedAt
    at.startedAt = now
    if (ticket !== undefined) owner.onDequeued(this, ticket)
  }

  onConnected(reused: boolean): void {
    this.at.connectedAt = reused ? this.at.startedAt : this.owner.clock.now()
    this.at.reused = reused
  }

  onWantBody(): void {
    if (this.over) return
    this.wanted = true
    if (this.ticket !== undefined) this.body?.feed(this.ticket)
  }

  onDrain(): void {
    const discarding = this.at.headAt !== 0 && this.sink === undefined
    if (!this.over && !discarding) this.body?.onDrain()
  }

  onInformational(status: number, headers: FlatHeaders): void {
    if (!this.over) this.owner.onInformational(status, headers)
  }

  onHead(status: number, headers: FlatHeaders): void {
    if (this.over) return
    this.at.status = status
    this.at.headAt = this.owner.clock.now()
    this.cancelTimer()
    const sink = this.owner.onHead(this, status, headers)
    if (this.over) return
    this.sink = sink
    if (sink !== undefined) return
    this.timer = new Timer(() => this.abort())
    this.owner.timers.schedule(this.timer, DISCARD_MS)
  }

  get borrows(): number {
    return this.sink === undefined ? DISCARD_BYTES : this.sink.borrows
  }

  get keeps(): boolean {
    return this.sink?.keeps ?? false
  }

  onData(chunk: Buffer): void {
    if (this.over) return
    if (this.sink !== undefined) {
      this.sink.onData(chunk)
      return
    }
    this.discarded += chunk.length
    if (this.discarded > DISCARD_BYTES) this.abort()
  }

  onTrailers(headers: FlatHeaders): void {
    if (!this.over) this.sink?.onTrailers(headers)
  }

  onEnd(failed: boolean): void {
    if (this.over) return
    this.finish(failed ? 'failed' : 'complete')
    this.sink?.onEnd()
  }

  onUpgraded(headers: FlatHeaders, upstream: Duplex): void {
    const rule = this.over ? '' : this.owner.upgradeProblem(headers)
    if (rule !== undefined) {
      // Its place is given back with its close.
      dropStream(upstream)
      if (!this.over) this.onFailure({ ...BAD_UPGRADE, reused: this.at.reused, rule })
      return
    }
    this.at.status = 101
    const now = this.owner.clock.now()
    this.at.headAt = now
    this.cancelTimer()
    this.owner.onUpgraded(this, headers, upstream)
    this.teach(true, now)
  }

  /** Its answer was a 101: it is judged by that. */
  get switched(): boolean {
    return this.at.status === 101
  }

  /** The tunnel behind its 101 has ended. */
  closed(end: TunnelEnd): void {
    if (!this.over) this.finish(end)
  }

  onFailure(failure: TransportFailure): void {
    if (this.over) return
    const headSeen = this.at.headAt !== 0
    this.at.rule = failure.rule
    if (failure.rule !== undefined) this.endpoint.malformed(failure.rule, this.owner.clock.now())
    const blamed = FAILURES[failure.reason].teaches.breaker && !this.owner.clientStalls
    this.finish(blamed ? 'broken_by_upstream' : 'broken_by_us')
    if (!headSeen) this.owner.onFailure(this, failure)
    else this.sink?.onBroken(failure)
  }

  private finish(end: Attempt['end']): void {
    this.over = true
    this.at.end = end
    const now = this.owner.clock.now()
    this.at.endedAt = now
    if (!this.switched && end !== 'broken_by_us') this.teach(failedEnd(end) === undefined, now)
    this.cancelTimer()
  }

  /** How its answer ended; none was good where its head was not. */
  private teach(whole: boolean, now: number): void {
    const { head } = this.at
    if (head?.outcome === 'ok' && !head.ignored) this.endpoint.ended(whole, now)
  }

  private cancelTimer(): void {
    if (this.timer !== undefined) this.owner.timers.cancel(this.timer)
  }
}
