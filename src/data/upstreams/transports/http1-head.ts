import { FieldLines } from '../../../http/wire/field-lines.ts'
import { BREAKS_SYNTAX, INCOMPLETE } from '../../../http/wire/lines.ts'
import { CR, isName, LF, SP, TEXT_OCTETS } from '../../../http/wire/octets.ts'
import { fieldValues } from '../../../lib/headers.ts'

const MAX_FIELDS = 200
/** Lengths stay exact numbers. */
const MAX_LENGTH_DIGITS = 15

/** Bounds of the octets of `HTTP/1.x NNN`. */
const LOWEST = Buffer.from('HTTP/1.0 100')
const HIGHEST = Buffer.from('HTTP/1.1 999')
const CODE_END = 12

/**
 * Status line, fields and framing of one answer, line by line, strictly after RFC 9112. Octets are judged one by one from
 * the left, so that the outcome does not depend on how they were cut, and the first wrong one ends it: an upstream that
 * speaks another protocol may never send a LF.
 */
export class AnswerHead {
  status = 0
  /** -1: absent. */
  contentLength = -1
  chunked = false
  /** A 1xx announced a body. */
  announced = false
  /** `Connection` names `upgrade`. */
  private namesUpgrade = false
  private minor = 1
  private closes = false
  private keepsAlive = false
  /** `Keep-Alive: timeout`, seconds; -1: absent. */
  keepAliveHint = -1
  /** Why a line was refused. */
  problem = ''
  private readonly lines = new FieldLines(MAX_FIELDS)
  /** Octets of an incomplete status line that are known to be right, so that none is judged twice. */
  private fine = 0

  begin(): void {
    this.status = 0
    this.lines.begin()
    this.contentLength = -1
    this.chunked = false
    this.announced = false
    this.namesUpgrade = false
    this.closes = false
    this.keepsAlive = false
    this.keepAliveHint = -1
    this.fine = 0
  }

  /** The trailers begin. */
  beginTrailers(): void {
    this.lines.begin()
  }

  /** Of the head, or of the trailers; flat, as on the wire. */
  get fields(): string[] {
    return this.lines.fields
  }

  get minorVersion(): number {
    return this.minor
  }

  /** The connection may serve another request, as far as version and `Connection` tell. */
  get persistent(): boolean {
    return !this.closes && (this.minor === 1 || this.keepsAlive)
  }

  /** Why a 101 does not change the connection to the protocol that was asked for (RFC 9110 section 7.8); `''`: it does. */
  wrongSwitch(upgrade: string | undefined): string {
    if (upgrade === undefined) return 'status 101: it was not requested'
    if (this.minor === 0) return 'status 101: in HTTP/1.0'
    if (!this.namesUpgrade) return 'status 101: Connection does not say upgrade'
    const wanted = fieldValues(this.fields, 'upgrade').toLowerCase() === upgrade
    return wanted ? '' : 'status 101: Upgrade is not the protocol that was requested'
  }

  /** The octets of buffers seen so far may have changed. */
  forget(): void {
    this.lines.forget()
  }

  /**
   * Position behind the line, INCOMPLETE or BREAKS_SYNTAX; the other methods return the same. A line that was incomplete is
   * passed again, longer.
   */
  statusLine(buffer: Buffer, at: number, to: number): number {
    let i = at + this.fine
    const blank = at + CODE_END
    for (; i < to && i < blank; i++) {
      const octet = buffer[i] as number
      const place = i - at
      if (octet < (LOWEST[place] as number) || octet > (HIGHEST[place] as number))
        return this.refuse(statusProblem(place))
    }
    if (i === to) return this.incomplete(i - at)
    if (i === blank && buffer[i] !== CR) {
      if (buffer[i] !== SP) return this.refuse('status line: the code is longer than three digits')
      i++
    }
    while (i < to && TEXT_OCTETS[buffer[i] as number] === 1) i++
    if (i === to) return this.incomplete(i - at)
    if (buffer[i] !== CR) return this.refuse('status line: control character, or bare LF')
    if (i + 1 === to) return this.incomplete(i - at)
    if (buffer[i + 1] !== LF) return this.refuse('status line: bare CR')
    this.minor = (buffer[at + 7] as number) - 0x30
    this.status = decimal(buffer, at + 9, blank)
    this.fine = 0
    return i + 2
  }

  /** One field line of the head or, with `trailer`, of the trailers: these frame nothing (RFC 9110 section 6.5.1). */
  field(buffer: Buffer, at: number, to: number, trailer: boolean): number {
    const { lines } = this
    const next = lines.field(buffer, at, to)
    if (next < 0) {
      this.problem = lines.problem
      return next
    }
    const { colon } = lines
    const frames = !trailer && (colon === 10 || colon === 14 || colon === 17)
    return frames && !this.framing(buffer, at, at + colon, lines.valueEnd) ? BREAKS_SYNTAX : next
  }

  /** The empty line that ends a section; only if the line starts with CR. */
  emptyLine(buffer: Buffer, at: number, to: number): number {
    const next = this.lines.emptyLine(buffer, at, to)
    if (next === BREAKS_SYNTAX) this.problem = this.lines.problem
    return next
  }

  private refuse(problem: string): number {
    this.problem = problem
    return BREAKS_SYNTAX
  }

  private incomplete(fine: number): number {
    this.fine = fine
    return INCOMPLETE
  }

  /** Reads a field that may decide where the answer ends; false: it is not acceptable. The value is the latest one. */
  private framing(buffer: Buffer, at: number, nameEnd: number, valueEnd: number): boolean {
    const value = this.fields[this.fields.length - 1] as string
    if (isName(buffer, at, nameEnd, 'content-length')) {
      if (this.ignoresFraming()) return true
      const length = value.length > MAX_LENGTH_DIGITS ? -1 : decimal(buffer, valueEnd - value.length, valueEnd)
      if (this.contentLength !== -1) return this.unacceptable('Content-Length: more than one')
      if (length === -1) return this.unacceptable(`Content-Length: not a number of at most ${MAX_LENGTH_DIGITS} digits`)
      this.contentLength = length
    } else if (isName(buffer, at, nameEnd, 'transfer-encoding')) {
      if (this.ignoresFraming()) return true
      if (this.chunked) return this.unacceptable('Transfer-Encoding: more than one')
      // Blanks behind it are allowed, but other parsers then see an unknown coding.
      const plain = value.toLowerCase() === 'chunked' && buffer[valueEnd] === CR
      if (!plain) return this.unacceptable('Transfer-Encoding: not chunked alone')
      this.chunked = true
    } else if (isName(buffer, at, nameEnd, 'connection')) {
      this.connectionOptions(value.toLowerCase())
    } else if (isName(buffer, at, nameEnd, 'keep-alive')) {
      this.keepAliveHint = timeoutOf(value.toLowerCase())
    }
    return true
  }

  /** RFC 9112 section 6.3: no 1xx has a body, whatever it announces. */
  private ignoresFraming(): boolean {
    if (this.status >= 200) return false
    this.announced = true
    return true
  }

  private unacceptable(problem: string): false {
    this.problem = problem
    return false
  }

  private connectionOptions(value: string): void {
    if (value === 'keep-alive') {
      this.keepsAlive = true
      return
    }
    for (const option of value.split(',')) {
      const name = option.trim()
      if (name === 'close') this.closes = true
      else if (name === 'keep-alive') this.keepsAlive = true
      else if (name === 'upgrade') this.namesUpgrade = true
    }
  }
}

function statusProblem(place: number): string {
  if (place < 7) return 'status line: not HTTP/1'
  return place < 9 ? 'status line: HTTP version' : 'status line: the code is not a number from 100 on'
}

/** The number that `buffer[from, to)` spells in digits; -1: it spells none. */
function decimal(buffer: Buffer, from: number, to: number): number {
  let value = from < to ? 0 : -1
  for (let i = from; i < to; i++) {
    const digit = (buffer[i] as number) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** Seconds of `timeout=N` in a lower-case `Keep-Alive` value; -1: it has none. */
function timeoutOf(value: string): number {
  for (const parameter of value.split(',')) {
    const text = parameter.trim()
    if (!text.startsWith('timeout=')) continue
    const seconds = Number.parseInt(text.slice(8), 10)
    return seconds >= 0 ? seconds : -1
  }
  return -1
}
