import type { Duplex } from 'node:stream'
import type { Downstream, DownstreamEvents, Gone, Peer } from '../../core/downstream.ts'
import { isSendable, trailerPairs } from '../../http/wire/sendable.ts'
import type { FlatHeaders } from '../../lib/headers.ts'

/** The request that a {@link MemoryDownstream} stands for. */
export interface MemoryRequest {
  readonly method: string
  readonly target: string
  readonly host: string
  /** Default: the host. */
  readonly authority?: string
  readonly headers: FlatHeaders
  readonly peer: Peer
  /** Bytes; 0: no body, -1: unknown. */
  readonly contentLength: number
  readonly protocol?: 'HTTP/1.0' | 'HTTP/1.1'
}

/** State of an answer. `sent`: whole; `broken`: visibly not whole; `gone`: the client has left. */
export type AnswerState = 'open' | 'sent' | 'broken' | 'gone'

/**
 * A downstream without a connection, for tests, drills and explain: keeps the answer, and acts as a client when told to.
 * `onSent` comes after the present call stack, like a real one's.
 */
export class MemoryDownstream implements Downstream {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly authority: string
  readonly headers: FlatHeaders
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1'
  readonly peer: Peer
  readonly contentLength: number
  readonly upgrade = undefined
  bytesIn = 0
  bytesOut = 0

  state: AnswerState = 'open'
  /** 0 until the head came. */
  status = 0
  answerHeaders: FlatHeaders = []
  answerTrailers: FlatHeaders = []
  readonly informationals: (readonly [number, FlatHeaders])[] = []
  readonly chunks: Buffer[] = []
  /** The connection ends with this answer. */
  closes = false
  /** State of the body; `wanted` and `paused` are what the handler asked for last. */
  body: 'unasked' | 'wanted' | 'paused' | 'discarded' | 'complete' | 'cut'
  private events: DownstreamEvents | undefined = undefined
  private due = -1
  private ended = false
  private blocked = false
  private needsDrain = false
  /** Bytes that the client has sent and the handler has not taken yet. */
  private readonly incoming: Buffer[] = []
  private incomingEnd: FlatHeaders | undefined = undefined
  private pumping = false

  constructor(request: MemoryRequest) {
    this.method = request.method
    this.target = request.target
    this.host = request.host
    this.authority = request.authority ?? request.host
    this.headers = request.headers
    this.protocol = request.protocol ?? 'HTTP/1.1'
    this.peer = request.peer
    this.contentLength = request.contentLength
    this.body = request.contentLength === 0 ? 'complete' : 'unasked'
  }

  /** The whole answer body so far. */
  get answer(): Buffer {
    return Buffer.concat(this.chunks)
  }

  // --- the client's side

  /** Bytes of the request's body. Delivered when they are wanted. */
  feed(chunk: Buffer): void {
    this.incoming.push(chunk)
    this.pump()
  }

  /** The request's body is complete. */
  feedEnd(trailers: FlatHeaders = []): void {
    this.incomingEnd = trailers
    this.pump()
  }

  /** The client leaves, falls silent, or breaks the framing of its body. */
  leave(why: Gone = 'closed'): void {
    if (this.state !== 'open' || (why !== 'closed' && this.body === 'complete')) return
    if (why === 'closed') this.state = 'gone'
    else this.closes = true
    this.body = 'cut'
    this.events?.onGone(why)
  }

  /** The client stops reading: `write` returns false until `unblock`. */
  block(): void {
    this.blocked = true
  }

  unblock(): void {
    this.blocked = false
    if (!this.needsDrain || this.state !== 'open') return
    this.needsDrain = false
    this.events?.onDrain()
  }

  private pump(): void {
    if (this.pumping) return
    this.pumping = true
    while (this.state === 'open' && (this.body === 'wanted' || this.body === 'discarded')) {
      const chunk = this.incoming.shift()
      if (chunk === undefined) break
      this.bytesIn += chunk.length
      if (this.body === 'wanted') this.events?.onBody(chunk)
    }
    this.pumping = false
    if (this.incomingEnd === undefined || this.incoming.length > 0 || this.state !== 'open') return
    if (this.body !== 'wanted' && this.body !== 'discarded') return
    const wanted = this.body === 'wanted'
    this.body = 'complete'
    if (wanted) this.events?.onBodyEnd(this.incomingEnd)
  }

  // --- the contract

  attach(events: DownstreamEvents): void {
    this.events = events
  }

  startBody(): void {
    if (this.body !== 'unasked') return
    this.body = 'wanted'
    this.pump()
  }

  pauseBody(): void {
    if (this.body === 'wanted') this.body = 'paused'
  }

  resumeBody(): void {
    if (this.body !== 'paused') return
    this.body = 'wanted'
    this.pump()
  }

  discardBody(): void {
    if (this.body === 'complete' || this.body === 'cut') return
    this.body = 'discarded'
    this.pump()
  }

  informational(status: number, headers: FlatHeaders): void {
    if (this.state !== 'open' || this.status !== 0 || this.protocol === 'HTTP/1.0' || this.blocked) return
    if (status >= 102 && status <= 199 && isSendable(headers)) this.informationals.push([status, headers])
  }

  head(status: number, headers: FlatHeaders): boolean {
    if (this.state !== 'open' || this.status !== 0) return true
    let due = -1
    for (let i = 0; i < headers.length; i += 2) {
      const name = (headers[i] as string).toLowerCase()
      const value = headers[i + 1] as string
      if (name === 'transfer-encoding') return false
      if (name !== 'content-length') continue
      if (due >= 0 || value === '' || !Number.isSafeInteger(Number(value))) return false
      due = Number(value)
    }
    if (!isSendable(headers)) return false
    this.due = due
    this.status = status
    const trailers = due < 0 && !this.bodiless && this.protocol !== 'HTTP/1.0'
    this.answerHeaders = trailers ? headers : headers.filter((_, i) => !isTrailer(headers[i & ~1] as string))
    return true
  }

  write(chunk: Buffer): boolean {
    if (this.state !== 'open' || this.ended || chunk.length === 0 || this.bodiless) return true
    if (this.status === 0 || (this.due >= 0 && chunk.length > this.due)) {
      this.fail()
      return true
    }
    if (this.due >= 0) this.due -= chunk.length
    this.bytesOut += chunk.length
    this.chunks.push(chunk)
    if (this.blocked) this.needsDrain = true
    return !this.blocked
  }

  trailers(headers: FlatHeaders): void {
    if (this.state === 'open' && this.due < 0 && !this.bodiless && this.protocol !== 'HTTP/1.0')
      this.answerTrailers = trailerPairs(headers).flat()
  }

  end(): void {
    if (this.state !== 'open' || this.ended) return
    if (this.status === 0 || (this.due > 0 && !this.bodiless)) {
      this.fail()
      return
    }
    this.ended = true
    queueMicrotask(() => {
      if (this.state !== 'open') return
      this.state = 'sent'
      this.events?.onSent()
    })
  }

  reset(): void {
    if (this.state === 'open') this.state = 'broken'
  }

  get gone(): boolean {
    return this.state !== 'open'
  }

  closeAfter(): void {
    if (this.status === 0) this.closes = true
  }

  tunnel(): Duplex {
    throw new Error('there is no connection')
  }

  private get bodiless(): boolean {
    return this.method === 'HEAD' || this.status === 204 || this.status === 304
  }

  /** An answer that contradicts its head breaks the connection, as a real one's would. */
  private fail(): void {
    this.state = 'broken'
    this.body = 'cut'
    queueMicrotask(() => this.events?.onGone('inconsistent'))
  }
}

function isTrailer(name: string): boolean {
  return name.toLowerCase() === 'trailer'
}
