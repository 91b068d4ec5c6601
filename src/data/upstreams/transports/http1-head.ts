import { indexOfLf } from './http1-lines.ts'
import { COLON, CR, HTAB, isName, LF, SP, TEXT, TOKEN } from './http1-octets.ts'

/** What parsing a line gives in place of the position behind it: its end has not arrived, or it breaks the syntax. */
export const INCOMPLETE = -1
export const REFUSED = -2

const MAX_FIELDS = 200
/** One decoding of this many octets covers a usual head; a call per field would cost more than all the rest. */
const WINDOW = 1024
/** Lengths stay exact numbers. */
const MAX_LENGTH_DIGITS = 15

/**
 * Status line, fields and framing of one answer, line by line, strictly after RFC 9112. A line is judged only once its
 * LF is there, so that the outcome does not depend on how the octets were cut.
 */
export class AnswerHead {
  status = 0
  /** Flat, as on the wire. */
  fields: string[] = []
  /** -1: none was given. */
  contentLength = -1
  chunked = false
  private minor = 1
  private closes = false
  private keepsAlive = false
  /** `Keep-Alive: timeout`, seconds; -1: none was given. */
  keepAliveHint = -1
  /** Why a line was refused. */
  problem = ''
  private text = ''
  private textOf: Buffer | undefined = undefined
  private textFrom = 0
  private textTo = 0

  begin(): void {
    this.status = 0
    this.fields = []
    this.contentLength = -1
    this.chunked = false
    this.closes = false
    this.keepsAlive = false
    this.keepAliveHint = -1
  }

  get minorVersion(): number {
    return this.minor
  }

  /** The connection may serve another request, as far as version and `Connection` tell. */
  get persistent(): boolean {
    return !this.closes && (this.minor === 1 || this.keepsAlive)
  }

  /** The octets of buffers seen so far may have changed. */
  forget(): void {
    this.textOf = undefined
  }

  statusLine(buffer: Buffer, at: number, to: number): number {
    const digits = at + 9
    let i = digits + 3
    if (to < i + 2 || !startsWith(buffer, at, 'HTTP/1.')) return this.refuse(buffer, at, to, 'status line')
    const minor = (buffer[at + 7] as number) - 0x30
    if ((minor !== 0 && minor !== 1) || buffer[at + 8] !== SP) return this.refuse(buffer, at, to, 'HTTP version')
    const status = decimal(buffer, digits, i)
    if (status < 100) return this.refuse(buffer, at, to, 'status code')
    if (buffer[i] === SP) {
      i++
      while (i < to && TEXT[buffer[i] as number] === 1) i++
    }
    if (i + 1 >= to || buffer[i] !== CR || buffer[i + 1] !== LF) return this.refuse(buffer, at, to, 'status line')
    this.status = status
    this.minor = minor
    return i + 2
  }

  /** One field line of the head or, with `trailer`, of the trailers. */
  field(buffer: Buffer, at: number, to: number, trailer: boolean): number {
    let i = at
    while (i < to && TOKEN[buffer[i] as number] === 1) i++
    const nameEnd = i
    if (i === to || i === at || buffer[i] !== COLON) return this.refuse(buffer, at, to, 'field name')
    i++
    while (i < to && isBlank(buffer[i] as number)) i++
    const valueFrom = i
    while (i < to && TEXT[buffer[i] as number] === 1) i++
    if (i + 1 >= to || buffer[i] !== CR || buffer[i + 1] !== LF) return this.refuse(buffer, at, to, 'field value')
    let valueEnd = i
    while (valueEnd > valueFrom && isBlank(buffer[valueEnd - 1] as number)) valueEnd--
    if (this.fields.length === 2 * MAX_FIELDS) return this.refuse(buffer, at, to, 'more than 200 fields')
    this.fields.push(this.slice(buffer, at, nameEnd, to), this.slice(buffer, valueFrom, valueEnd, to))
    const length = nameEnd - at
    if ((length === 10 || length === 14 || length === 17) && !this.framing(buffer, at, nameEnd, valueEnd, trailer)) {
      return REFUSED
    }
    return i + 2
  }

  /** The empty line that ends a section, or INCOMPLETE, or REFUSED; only if the line starts with CR. */
  emptyLine(buffer: Buffer, at: number, to: number): number {
    if (at + 1 < to && buffer[at + 1] === LF) return at + 2
    return this.refuse(buffer, at, to, 'bare CR')
  }

  refuse(buffer: Buffer, at: number, to: number, problem: string): number {
    if (indexOfLf(buffer, at, to) === -1) return INCOMPLETE
    this.problem = problem
    return REFUSED
  }

  /** Takes in a field that may decide where the answer ends; false: it is not acceptable. The value is the latest one. */
  private framing(buffer: Buffer, at: number, nameEnd: number, valueEnd: number, trailer: boolean): boolean {
    const value = this.fields[this.fields.length - 1] as string
    if (isName(buffer, at, nameEnd, 'content-length')) {
      const length = value.length > MAX_LENGTH_DIGITS ? -1 : decimal(buffer, valueEnd - value.length, valueEnd)
      if (trailer || length === -1 || this.contentLength !== -1) return this.unacceptable('Content-Length')
      this.contentLength = length
    } else if (isName(buffer, at, nameEnd, 'transfer-encoding')) {
      // Blanks behind it are allowed, but make other parsers see an unknown coding.
      const plain = value.toLowerCase() === 'chunked' && buffer[valueEnd] === CR
      if (trailer || this.chunked || !plain) return this.unacceptable('Transfer-Encoding')
      this.chunked = true
    } else if (trailer) {
      return true
    } else if (isName(buffer, at, nameEnd, 'connection')) {
      this.connectionOptions(value.toLowerCase())
    } else if (isName(buffer, at, nameEnd, 'keep-alive')) {
      this.keepAliveHint = timeoutOf(value.toLowerCase())
    }
    return true
  }

  private unacceptable(name: string): false {
    this.problem = name
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
    }
  }

  private slice(buffer: Buffer, from: number, end: number, to: number): string {
    if (buffer !== this.textOf || from < this.textFrom || end > this.textTo) {
      this.textOf = buffer
      this.textFrom = from
      this.textTo = Math.max(end, Math.min(to, from + WINDOW))
      this.text = buffer.toString('latin1', from, this.textTo)
    }
    return this.text.slice(from - this.textFrom, end - this.textFrom)
  }
}

function isBlank(octet: number): boolean {
  return octet === SP || octet === HTAB
}

function startsWith(buffer: Buffer, at: number, prefix: string): boolean {
  for (let i = 0; i < prefix.length; i++) if (buffer[at + i] !== prefix.charCodeAt(i)) return false
  return true
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
