import type { ListenerConfig } from '../../../core/config.ts'
import type { Glimpse } from '../../../core/downstream.ts'
import type { Failure } from '../../../core/failures.ts'
import { FieldLines } from '../../../http/wire/field-lines.ts'
import { LineBuffer, type LineReader } from '../../../http/wire/line-buffer.ts'
import { BREAKS_SYNTAX, INCOMPLETE } from '../../../http/wire/lines.ts'
import { COLON, CR, HTAB, LF } from '../../../http/wire/octets.ts'
import { TextWindow } from '../../../http/wire/window.ts'
import { fieldValue } from '../../../lib/headers.ts'
import type { RawHead } from '../common/guard.ts'
import { breach, fieldsTooLarge, targetTooLong } from '../common/rules.ts'
import { RequestLine } from './request-line.ts'

// What comes next. Up to FIELDS: a line; from DONE on: nothing.
const EMPTY = 0
const SKIPPED = 1
const REQUEST = 2
const FIELDS = 3
const DONE = 4
const FAILED = 5

/** Many servers take such a coding for another than the one that is named, and so see another end of the body. */
const TAB_BEHIND_CODING = breach('transfer_encoding', 'bad_request', 'There is a tab behind the Transfer-Encoding.')

/** How much of a refused head is reported. */
const MAX_TARGET = 1_024
const MAX_HOST = 255

/** Reads the heads of one connection, one after another, however their octets are cut. What they mean is the guard's affair. */
export class RequestHead implements RawHead, LineReader {
  readonly httpVersionMajor = 1
  /** Why it cannot be parsed. */
  failure: Failure | undefined = undefined
  private readonly limits: ListenerConfig['limits']
  /** The guard tells target and fields apart: it sees all but the largest heads. */
  private readonly most: number
  private readonly text = new TextWindow()
  private readonly first = new RequestLine(this.text)
  private readonly lines = new FieldLines(Number.POSITIVE_INFINITY, this.text)
  private readonly held = new LineBuffer()
  private state = EMPTY
  private bytes = 0

  constructor(limits: ListenerConfig['limits']) {
    this.limits = limits
    this.most = limits.headerBytes + limits.targetBytes
  }

  get method(): string {
    return this.first.method
  }

  get url(): string {
    return this.first.target
  }

  get httpVersionMinor(): number {
    return this.first.minor
  }

  get rawHeaders(): string[] {
    return this.lines.fields
  }

  /** Something of it has come, and not all. */
  get begun(): boolean {
    return this.state === REQUEST || this.state === FIELDS
  }

  get done(): boolean {
    return this.state === DONE
  }

  /** Another head may follow. */
  begin(): void {
    this.state = EMPTY
    this.bytes = 0
    this.first.begin()
    this.lines.begin()
  }

  /** Takes octets up to the end of the head, or all where it fails; position behind the last one taken. */
  read(buffer: Buffer, from: number, to: number): number {
    let at = from
    while (at < to && this.state < DONE) at = this.held.read(this, buffer, at, to)
    this.lines.forget()
    return this.state === FAILED ? to : at
  }

  /** What was read of a head that is refused. */
  get glimpse(): Glimpse {
    const { method, target } = this.first
    return {
      method,
      target: target.slice(0, MAX_TARGET),
      host: (fieldValue(this.lines.fields, 'host') ?? '').slice(0, MAX_HOST),
    }
  }

  /** @internal */
  parseLine(buffer: Buffer, at: number, to: number): number {
    let next = at
    while (next < to && this.state < DONE) {
      const line = next
      const first = this.state <= REQUEST
      next = this.parse(buffer, line, to)
      if (next === INCOMPLETE) return line === at ? INCOMPLETE : line
      if (this.state === FAILED) return next
      this.bytes += next - line
      if (this.bytes > this.most) return this.fail(this.tooLarge(first))
    }
    return next
  }

  /** @internal */
  incompleteLine(length: number, line: Buffer): void {
    if (this.bytes + length <= this.most || this.state >= DONE) return
    const first = this.state <= REQUEST
    if (first) this.first.keepPart(line, length)
    // Octets are judged from the left: what stands before a colon is a name.
    const colon = line.subarray(0, length).indexOf(COLON)
    this.fail(this.tooLarge(first, line.toString('latin1', 0, Math.max(colon, 0)), length))
  }

  private parse(buffer: Buffer, at: number, to: number): number {
    if (this.state === EMPTY && buffer[at] === CR) {
      // RFC 9112 section 2.2: one empty line in front of a request is ignored, as some clients send one behind a body.
      if (at + 1 === to) return INCOMPLETE
      this.state = SKIPPED
      return buffer[at + 1] === LF ? at + 2 : this.fail(breach('line_end', 'bad_request', 'There is a bare CR.'))
    }
    if (this.state <= REQUEST) {
      this.state = REQUEST
      const { first } = this
      const next = first.line(buffer, at, to)
      if (next >= 0) this.state = FIELDS
      return next === BREAKS_SYNTAX ? this.fail(breach(first.rule, 'bad_request', first.problem)) : next
    }
    const ends = buffer[at] === CR
    const next = ends ? this.lines.emptyLine(buffer, at, to) : this.lines.field(buffer, at, to)
    if (next === BREAKS_SYNTAX) return this.fail(fieldFailure(this.lines))
    if (next < 0) return next
    if (ends) this.state = DONE
    else if (this.lines.colon === 17 && this.hasTabBehindCoding(buffer, next)) return this.fail(TAB_BEHIND_CODING)
    return next
  }

  /** Of the latest line, which ends at `end`. */
  private hasTabBehindCoding(buffer: Buffer, end: number): boolean {
    const { fields, valueEnd } = this.lines
    return buffer.subarray(valueEnd, end).includes(HTAB) && fields.at(-2)?.toLowerCase() === 'transfer-encoding'
  }

  /** `first`: it was the request line. */
  private tooLarge(first: boolean, rest = '', restBytes = 0): Failure {
    const { headerBytes, targetBytes } = this.limits
    return first ? targetTooLong(targetBytes) : fieldsTooLarge(headerBytes, this.lines.fields, rest, restBytes)
  }

  private fail(failure: Failure): number {
    this.failure = failure
    this.state = FAILED
    return 0
  }
}

/** What is wrong with a field of a head or of trailers. */
export function fieldFailure({ lineEnd, problem }: FieldLines): Failure {
  return breach(lineEnd ? 'line_end' : 'field', 'bad_request', `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`)
}
