import type { ListenerConfig } from '../../../core/config.ts'
import type { Failure } from '../../../core/failures.ts'
import { ChunkLines } from '../../../http/wire/chunk-lines.ts'
import { FieldLines } from '../../../http/wire/field-lines.ts'
import { LineBuffer, type LineReader } from '../../../http/wire/line-buffer.ts'
import { BREAKS_SYNTAX, INCOMPLETE } from '../../../http/wire/lines.ts'
import { CR, LF } from '../../../http/wire/octets.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import { breach } from '../common/rules.ts'
import { fieldFailure } from './request-head.ts'

/** Where the octets of a body go. */
export interface BodySink {
  onPart(part: Buffer): void
}

const MAX_CHUNK_LINE_BYTES = 1_024
/** Of all extensions of a body: they are work without content. */
const MAX_EXTENSION_BYTES = 16_384
/** `1\r\n`, `ffffffffffff\r\n`: of a line without extensions. */
const PLAIN_LINE_BYTES = 16

// What comes next. Up to TRAILERS: a line; from DONE on: nothing.
const CHUNK_SIZE = 0
const TRAILERS = 1
const COUNTED = 2
const CHUNK = 3
const CHUNK_CR = 4
const CHUNK_LF = 5
const DONE = 6
const FAILED = 7

/** Takes one body after another out of its framing, RFC 9112 sections 6 and 7, as strictly as heads are read. */
export class BodyDecoder implements LineReader {
  /** Why it cannot be parsed. */
  failure: Failure | undefined = undefined
  private readonly limits: ListenerConfig['limits']
  private readonly chunks = new ChunkLines({ blanks: false })
  private readonly lines: FieldLines
  private readonly held = new LineBuffer()
  private state = DONE
  private remaining = 0
  private extensionBytes = 0
  private trailerBytes = 0

  constructor(limits: ListenerConfig['limits']) {
    this.limits = limits
    this.lines = new FieldLines(limits.headerCount)
  }

  /** `length`: bytes, at least 1; -1: chunked. */
  begin(length: number): void {
    this.state = length === -1 ? CHUNK_SIZE : COUNTED
    this.remaining = length
    this.extensionBytes = 0
    this.trailerBytes = 0
    this.lines.begin()
  }

  /** Nothing more is taken or told, and nothing of what was read is kept. */
  stop(): void {
    this.state = DONE
    this.held.clear()
    this.lines.begin()
  }

  get done(): boolean {
    return this.state === DONE
  }

  get trailers(): FlatHeaders {
    return this.lines.fields
  }

  /** Takes octets up to the end of the body, or all where it fails; position behind the last one taken. */
  read(buffer: Buffer, from: number, to: number, sink: BodySink): number {
    let at = from
    while (at < to && this.state < DONE) {
      if (this.state <= TRAILERS) at = this.held.read(this, buffer, at, to)
      else if (this.state <= CHUNK) at = this.part(buffer, at, to, sink)
      else at = this.chunkEnd(buffer[at] as number, at)
    }
    this.lines.forget()
    return this.state === FAILED ? to : at
  }

  /** @internal */
  parseLine(buffer: Buffer, at: number, to: number): number {
    return this.state === CHUNK_SIZE ? this.chunkSize(buffer, at, to) : this.trailer(buffer, at, to)
  }

  /** @internal */
  incompleteLine(length: number): void {
    if (this.state === CHUNK_SIZE && length > MAX_CHUNK_LINE_BYTES) this.failExtensions()
    else if (this.state === TRAILERS && this.trailerBytes + length > this.limits.headerBytes) this.failTrailers()
  }

  private part(buffer: Buffer, at: number, to: number, sink: BodySink): number {
    const end = Math.min(to, at + this.remaining)
    this.remaining -= end - at
    if (this.remaining === 0) this.state = this.state === CHUNK ? CHUNK_CR : DONE
    sink.onPart(at === 0 && end === buffer.length ? buffer : buffer.subarray(at, end))
    return end
  }

  private chunkSize(buffer: Buffer, at: number, to: number): number {
    const next = this.chunks.line(buffer, at, to)
    if (next === INCOMPLETE) return INCOMPLETE
    if (next === BREAKS_SYNTAX) {
      if (this.chunks.extended) return this.failExtensions()
      return this.fail(breach('chunk_size', 'bad_request', 'The size of a chunk is not a number alone on its line.'))
    }
    if (this.chunks.extended) this.extensionBytes += Math.max(0, next - at - PLAIN_LINE_BYTES)
    if (next - at > MAX_CHUNK_LINE_BYTES || this.extensionBytes > MAX_EXTENSION_BYTES) return this.failExtensions()
    this.remaining = this.chunks.size
    this.state = this.remaining > 0 ? CHUNK : TRAILERS
    return next
  }

  private chunkEnd(octet: number, at: number): number {
    if (octet !== (this.state === CHUNK_CR ? CR : LF))
      return this.fail(breach('line_end', 'bad_request', 'A chunk is longer than its size.'))
    this.state = this.state === CHUNK_CR ? CHUNK_LF : CHUNK_SIZE
    return at + 1
  }

  private trailer(buffer: Buffer, at: number, to: number): number {
    const ends = buffer[at] === CR
    const next = ends ? this.lines.emptyLine(buffer, at, to) : this.lines.field(buffer, at, to)
    if (next === INCOMPLETE) return INCOMPLETE
    if (next === BREAKS_SYNTAX) return this.fail(fieldFailure(this.lines))
    this.trailerBytes += next - at
    if (this.trailerBytes > this.limits.headerBytes) return this.failTrailers()
    if (ends) this.state = DONE
    return next
  }

  private failExtensions(): number {
    return this.fail(
      breach('chunk_extensions', 'bad_request', 'The extensions of a chunk are invalid, or there are too many.'),
    )
  }

  private failTrailers(): number {
    const detail = `The trailers are larger than limits.headerBytes (${this.limits.headerBytes}).`
    return this.fail(breach('header_bytes', 'headers_too_large', detail))
  }

  private fail(failure: Failure): number {
    this.failure = failure
    this.state = FAILED
    return 0
  }
}
