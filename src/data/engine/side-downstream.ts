import type { Duplex } from 'node:stream'
import type { Downstream, DownstreamEvents, Peer } from '../../core/downstream.ts'
import type { Failure } from '../../core/failures.ts'
import type { SideHead } from '../../core/services.ts'
import type { Source } from '../../core/source.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import { SideBody } from './side-body.ts'

/** The sender of requests that Sluice makes itself. */
const OURSELVES: Peer = { address: '127.0.0.1', port: 0, localPort: 0, secure: false, listener: '-' }

/** Takes the answer to a request that a feature makes. Exactly one of `end` and `broken` is called. */
export interface AnswerTaker {
  head(status: number, headers: FlatHeaders): void
  /** False: nothing more before {@link SideDownstream.drained}. */
  data(chunk: Buffer): boolean
  end(): void
  /** The answer is not whole, or there is none. */
  broken(): void
  /** In the place of all that: the upstream has changed the protocol, and its end is the taker's. */
  connected?(headers: FlatHeaders, upstream: Duplex, endpoint: string): void
  /** The body of the request is not whole: it must fail. */
  bodyBroken(why: Failure | Error): void
}

/** A feature in the place of a client. */
export class SideDownstream implements Downstream {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly authority: string
  readonly headers: FlatHeaders
  readonly protocol = 'HTTP/1.1'
  readonly peer = OURSELVES
  readonly contentLength: number
  readonly upgrade = undefined
  bytesOut = 0
  private readonly source: Source | undefined
  private readonly taker: AnswerTaker
  private events: DownstreamEvents | undefined = undefined
  private body: SideBody | undefined = undefined
  private over = false

  constructor(
    { authority = '', headers, host = '', method, target }: SideHead & { readonly host?: string },
    source: Source | undefined,
    taker: AnswerTaker,
  ) {
    this.method = method
    this.host = host
    this.target = target
    this.authority = authority
    this.headers = headers
    this.source = source
    this.contentLength = source === undefined ? 0 : (source.length ?? -1)
    this.taker = taker
  }

  attach(events: DownstreamEvents): void {
    this.events = events
    if (this.source !== undefined) this.body = new SideBody(this.source, events, (why) => this.taker.bodyBroken(why))
  }

  get bytesIn(): number {
    return this.body?.came ?? 0
  }

  get gone(): boolean {
    return this.over
  }

  startBody(): void {
    this.body?.start()
  }

  pauseBody(): void {
    this.body?.pause()
  }

  resumeBody(): void {
    this.body?.resume()
  }

  discardBody(): void {
    this.body?.cancel()
  }

  informational(): void {}

  head(status: number, headers: FlatHeaders): boolean {
    this.taker.head(status, headers)
    return true
  }

  write(chunk: Buffer): boolean {
    if (this.over) return true
    this.bytesOut += chunk.length
    return this.taker.data(chunk)
  }

  /** The taker has room again. */
  drained(): void {
    if (!this.over) this.events?.onDrain()
  }

  trailers(): void {}

  end(): void {
    if (!this.finish()) return
    this.taker.end()
    this.events?.onSent()
  }

  reset(): void {
    this.leave()
  }

  /** The answer is not wanted any more. */
  leave(): void {
    if (!this.finish()) return
    this.events?.onGone('closed')
    this.taker.broken()
  }

  /** The upstream's end, behind its 101. */
  connected(headers: FlatHeaders, upstream: Duplex, endpoint: string): void {
    if (!this.finish()) {
      upstream.destroy()
      return
    }
    this.taker.connected?.(headers, upstream, endpoint)
    this.events?.onSent()
  }

  closeAfter(): void {}

  tunnel(): Duplex {
    throw new Error('no tunnel was offered')
  }

  private finish(): boolean {
    if (this.over) return false
    this.over = true
    this.body?.cancel()
    return true
  }
}
