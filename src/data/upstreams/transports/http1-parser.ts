import type { TransportEvents } from '../../../core/transport.ts'
import { ChunkLines } from '../../../http/wire/chunk-lines.ts'
import { LineBuffer, type LineReader } from '../../../http/wire/line-buffer.ts'
import { BREAKS_SYNTAX, INCOMPLETE } from '../../../http/wire/lines.ts'
import { CR, LF } from '../../../http/wire/octets.ts'
import { AnswerHead } from './http1-head.ts'

/** Events of the parser; the end of the answer is `done`. */
export type AnswerEvents = Pick<
  TransportEvents,
  'borrows' | 'keeps' | 'onInformational' | 'onHead' | 'onData' | 'onTrailers'
>

/** A peer's `Keep-Alive: timeout` is shortened by this much, so that Sluice closes first. */
const KEEP_ALIVE_MARGIN_MS = 1_000

/** Status line and fields together, trailers apart. */
const MAX_SECTION_BYTES = 65_536
const MAX_CHUNK_LINE_BYTES = 1024
/** Bytes of all 1xx answers in front of one final answer: an upstream must not send them for ever. */
const MAX_EARLY_BYTES = 262_144

// What comes next. Up to TRAILERS: a line; from DONE on: nothing.
const STATUS = 0
const FIELDS = 1
const CHUNK_SIZE = 2
const TRAILERS = 3
const COUNTED = 4
const UNTIL_CLOSE = 5
const CHUNK = 6
const CHUNK_CR = 7
const CHUNK_LF = 8
const DONE = 9
const FAILED = 10

/**
 * Parses one answer after another, octets in, events out, strictly after RFC 9112. However the octets are cut, the events
 * are the same (except data, which comes in the pieces in which it arrived), with one exception: a head whose body's
 * framing is broken in the same piece is not reported at all, so that another answer can still be given.
 */
export class AnswerParser implements LineReader {
  /** Set and cleared by the owner, also from within events: no further event follows the current one. */
  paused = false
  /** A part of the octets that were taken last is in use: their memory must not change. */
  kept = false
  /** The final head was reported. */
  headDone = false
  /** The head is 101, to the protocol that was asked for: what follows is not HTTP. */
  switched = false
  /** Why the answer cannot be parsed. */
  problem = ''
  private state = DONE
  private events: AnswerEvents = NO_EVENTS
  private toHead = false
  private upgrade: string | undefined = undefined
  private remaining = 0
  private sectionBytes = 0
  /** What follows the answer is unknown: a body was announced that cannot be there, or a 1xx mentioned one or closing. */
  private doubtful = false
  /** The final head is whole and was not reported yet. */
  private untold = false
  private earlyBytes = 0
  /** Reads what follows a head before that is reported. */
  private ahead: AnswerParser | undefined = undefined
  readonly head = new AnswerHead()
  private readonly chunks = new ChunkLines({ blanks: true })
  private readonly held = new LineBuffer()

  /** Expects the answer to a request; `toHead`: its method was HEAD; `upgrade`: it asked for this protocol. */
  begin(events: AnswerEvents, toHead: boolean, upgrade?: string): void {
    this.events = events
    this.toHead = toHead
    this.upgrade = upgrade
    this.switched = false
    this.headDone = false
    this.problem = ''
    this.doubtful = false
    this.untold = false
    this.earlyBytes = 0
    this.expectHead()
  }

  /** No event follows. */
  stop(): void {
    this.state = FAILED
    this.events = NO_EVENTS
    this.held.clear()
  }

  /** The answer is whole. */
  get done(): boolean {
    return this.state === DONE
  }

  get failed(): boolean {
    return this.state === FAILED
  }

  /** The connection can serve another request; once done. */
  get persistent(): boolean {
    return this.head.persistent && !this.doubtful
  }

  /**
   * Milliseconds for which the connection may be kept: `own`, or less where `Keep-Alive: timeout` of the answer asks for
   * it.
   */
  keepAliveMs(own: number): number {
    const { keepAliveHint } = this.head
    return keepAliveHint === -1 ? own : Math.min(own, keepAliveHint * 1000 - KEEP_ALIVE_MARGIN_MS)
  }

  /**
   * Takes octets of `buffer[from, to)` until paused, done or failed; returns the position behind the last one taken.
   * `owned`: the buffer is not written to any more if it is `kept`, so that data can be passed on without copying it.
   */
  feed(buffer: Buffer, from: number, to: number, owned: boolean): number {
    let at = from
    this.kept = false
    while (at < to && !this.paused && this.state < DONE) {
      if (this.state <= TRAILERS) at = this.line(buffer, at, to)
      else if (this.state <= CHUNK) at = this.body(buffer, at, to, owned)
      else at = this.chunkEnd(buffer[at] as number, at)
    }
    this.head.forget()
    return at
  }

  /** The peer has closed its side; true: that was the end of the answer. */
  eof(): boolean {
    if (this.state !== UNTIL_CLOSE) return false
    this.doubtful = true
    this.state = DONE
    return true
  }

  private line(buffer: Buffer, at: number, to: number): number {
    const next = this.held.read(this, buffer, at, to)
    if (this.untold) this.tellHead(buffer, next, to)
    return next
  }

  /** @internal */
  incompleteLine(length: number): void {
    const bound = this.state === CHUNK_SIZE ? MAX_CHUNK_LINE_BYTES : MAX_SECTION_BYTES - this.sectionBytes
    if (length > bound && this.state < DONE) this.fail('a line without end')
  }

  /** @internal */
  parseLine(buffer: Buffer, at: number, to: number): number {
    if (this.state === CHUNK_SIZE) return this.chunkSize(buffer, at, to)
    const ends = this.state !== STATUS && buffer[at] === CR
    const next = ends
      ? this.head.emptyLine(buffer, at, to)
      : this.state === STATUS
        ? this.head.statusLine(buffer, at, to)
        : this.head.field(buffer, at, to, this.state === TRAILERS)
    if (next === INCOMPLETE) return INCOMPLETE
    if (next === BREAKS_SYNTAX) return this.fail(this.head.problem)
    this.sectionBytes += next - at
    if (this.sectionBytes > MAX_SECTION_BYTES) return this.fail(`more than ${MAX_SECTION_BYTES} bytes of fields`)
    if (ends) this.endSection()
    else if (this.state === STATUS) this.state = FIELDS
    return next
  }

  private endSection(): void {
    if (this.state === FIELDS) {
      this.endHead()
      return
    }
    this.state = DONE
    if (this.head.fields.length > 0) this.events.onTrailers(this.head.fields)
  }

  private endHead(): void {
    const { status, fields } = this.head
    if (status < 200) {
      this.endInformational(status, fields)
      return
    }
    const { chunked, contentLength, minorVersion } = this.head
    if (chunked && (contentLength !== -1 || minorVersion === 0)) {
      this.fail(`Transfer-Encoding: ${minorVersion === 0 ? 'in HTTP/1.0' : 'beside a Content-Length'}`)
      return
    }
    if (this.toHead || status === 204 || status === 304) {
      if (status === 204 && !this.toHead && (chunked || contentLength > 0)) this.doubtful = true
      this.state = DONE
    } else if (chunked) {
      this.state = CHUNK_SIZE
    } else if (contentLength === -1) {
      this.state = UNTIL_CLOSE
    } else {
      this.remaining = contentLength
      this.state = contentLength === 0 ? DONE : COUNTED
    }
    this.untold = true
  }

  /** `at`: behind the head. Only chunks can be broken; other bodies are as long as the head says. */
  private tellHead(buffer: Buffer, at: number, to: number): void {
    this.untold = false
    if (this.state === CHUNK_SIZE && at < to) {
      this.ahead ??= new AnswerParser()
      const problem = this.ahead.chunkProblem(buffer, at, to)
      if (problem !== '') {
        this.fail(problem)
        return
      }
    }
    this.headDone = true
    this.events.onHead(this.head.status, this.head.fields)
  }

  /** What is wrong with the beginning of a chunked body; `''`: nothing so far. */
  private chunkProblem(buffer: Buffer, at: number, to: number): string {
    this.begin(NO_EVENTS, false)
    this.state = CHUNK_SIZE
    this.feed(buffer, at, to, true)
    this.stop()
    return this.problem
  }

  private endInformational(status: number, fields: string[]): void {
    if (status === 101) {
      this.problem = this.head.wrongSwitch(this.upgrade)
      this.switched = this.problem === ''
      this.state = this.switched ? DONE : FAILED
      return
    }
    this.earlyBytes += this.sectionBytes
    if (this.earlyBytes > MAX_EARLY_BYTES) {
      this.fail(`more than ${MAX_EARLY_BYTES} bytes of 1xx answers`)
      return
    }
    if (!this.head.persistent || this.head.announced) this.doubtful = true
    this.expectHead()
    if (status !== 100) this.events.onInformational(status, fields)
  }

  private body(buffer: Buffer, at: number, to: number, owned: boolean): number {
    let end = to
    if (this.state !== UNTIL_CLOSE) {
      end = Math.min(to, at + this.remaining)
      this.remaining -= end - at
      if (this.remaining === 0) this.state = this.state === CHUNK ? CHUNK_CR : DONE
    }
    const { events } = this
    if (events === NO_EVENTS) return end
    const borrowed = end - at <= (events.borrows ?? 0)
    events.onData(owned || borrowed ? buffer.subarray(at, end) : copy(buffer, at, end))
    if (owned && !borrowed && (events.keeps ?? true)) this.kept = true
    return end
  }

  private chunkSize(buffer: Buffer, at: number, to: number): number {
    const next = this.chunks.line(buffer, at, to)
    if (next === INCOMPLETE) return INCOMPLETE
    if (next === BREAKS_SYNTAX || next - at > MAX_CHUNK_LINE_BYTES)
      return this.fail('chunk size: not a number, or its extension is broken')
    this.remaining = this.chunks.size
    if (this.remaining > 0) {
      this.state = CHUNK
    } else {
      this.head.beginTrailers()
      this.sectionBytes = 0
      this.state = TRAILERS
    }
    return next
  }

  private chunkEnd(octet: number, at: number): number {
    if (octet !== (this.state === CHUNK_CR ? CR : LF)) return this.fail('chunk: longer than its size')
    this.state = this.state === CHUNK_CR ? CHUNK_LF : CHUNK_SIZE
    return at + 1
  }

  private expectHead(): void {
    this.head.begin()
    this.sectionBytes = 0
    this.state = STATUS
  }

  /** Returns a position, for convenience; reading ends. */
  private fail(problem: string): number {
    this.problem = problem
    this.state = FAILED
    return 0
  }
}

function copy(buffer: Buffer, from: number, to: number): Buffer {
  const bytes = Buffer.allocUnsafe(to - from)
  buffer.copy(bytes, 0, from, to)
  return bytes
}

const NO_EVENTS: AnswerEvents = { onInformational() {}, onHead() {}, onData() {}, onTrailers() {} }
