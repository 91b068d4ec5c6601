import type { Duplex } from 'node:stream'
import type { Downstream, DownstreamEvents, Peer } from '../../core/downstream.ts'
import type { WholeReply } from '../../core/verdict.ts'
import type { FlatHeaders } from '../../lib/headers.ts'

/** A request that is there as a whole. */
interface WholeRequest {
  readonly method: string
  readonly target: string
  /** Host without port, for the log. */
  readonly host?: string
  /** Host as a client asked for it. */
  readonly authority?: string
  readonly headers: readonly string[]
  readonly body: Buffer | undefined
}

/**
 * A source of exchanges inside the process: the whole request is there, and the answer is collected up to a bound. `done` gets
 * the answer, or undefined when it broke or grew too large.
 */
export class CollectingDownstream implements Downstream {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly authority: string
  readonly headers: FlatHeaders
  readonly protocol = 'HTTP/1.1'
  readonly peer: Peer
  readonly contentLength: number
  readonly upgrade = undefined
  bytesIn = 0
  bytesOut = 0
  private readonly body: Buffer | undefined
  private readonly bound: number
  private readonly done: (reply: WholeReply | undefined) => void
  private events: DownstreamEvents | undefined = undefined
  private status = 0
  private answer: readonly string[] = []
  private chunks: Buffer[] = []
  private over = false

  constructor(peer: Peer, request: WholeRequest, bound: number, done: (reply: WholeReply | undefined) => void) {
    const { method, target, headers, body, host = '', authority = '' } = request
    this.peer = peer
    this.method = method
    this.target = target
    this.host = host
    this.authority = authority
    this.headers = headers
    this.body = body
    this.contentLength = body?.length ?? 0
    this.bound = bound
    this.done = done
  }

  attach(events: DownstreamEvents): void {
    this.events = events
  }

  startBody(): void {
    if (this.body === undefined) return
    this.bytesIn = this.body.length
    this.events?.onBody(this.body)
    this.events?.onBodyEnd([])
  }

  pauseBody(): void {}
  resumeBody(): void {}
  discardBody(): void {}
  informational(): void {}

  head(status: number, headers: FlatHeaders): boolean {
    this.status = status
    this.answer = headers
    return true
  }

  write(chunk: Buffer): boolean {
    this.bytesOut += chunk.length
    if (this.bytesOut <= this.bound) this.chunks.push(chunk)
    else this.finish(undefined)
    return true
  }

  trailers(): void {}

  end(): void {
    const body = this.chunks.length === 0 ? undefined : Buffer.concat(this.chunks)
    this.finish({ status: this.status, headers: this.answer, body })
  }

  reset(): void {
    this.finish(undefined)
  }

  get gone(): boolean {
    return this.over
  }

  closeAfter(): void {}

  tunnel(): Duplex {
    throw new Error('a collected answer has no connection')
  }

  private finish(reply: WholeReply | undefined): void {
    if (this.over) return
    this.over = true
    this.chunks = []
    this.done(reply)
    if (reply === undefined) this.events?.onGone('closed')
    else this.events?.onSent()
  }
}
