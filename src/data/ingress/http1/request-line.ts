import { BREAKS_SYNTAX, INCOMPLETE } from '../../../http/wire/lines.ts'
import { CR, LF, SP, TARGET_OCTETS, TOKEN } from '../../../http/wire/octets.ts'
import type { TextWindow } from '../../../http/wire/window.ts'
import { LONG_METHOD, MAX_METHOD } from '../common/methods.ts'
import type { Rule } from '../common/rules.ts'

const VERSION = Buffer.from('HTTP/1.')
/** Of `HTTP/1.` the part by which a line is known to be of HTTP. */
const NAME_END = 5
const DOT_ONE = 0x31
const ZERO = 0x30

/**
 * `method SP request-target SP HTTP-version CRLF`, RFC 9112 section 3, octet by octet from the left: a client of another
 * protocol is recognised by its first wrong octet.
 */
export class RequestLine {
  method = ''
  target = ''
  minor = 1
  /** What was wrong. */
  rule: Rule = 'request_line'
  problem = ''
  /** Octets of an incomplete line that are known to be right, so that none is judged twice; ends of its parts, -1: not reached. */
  private fine = 0
  private methodEnd = -1
  private targetEnd = -1
  private readonly text: TextWindow
  /** The method before: most requests of a client have the same. */
  private latest = ''

  constructor(text: TextWindow) {
    this.text = text
  }

  begin(): void {
    this.method = ''
    this.target = ''
    this.fine = 0
    this.methodEnd = -1
    this.targetEnd = -1
  }

  /** Position behind the line, INCOMPLETE or BREAKS_SYNTAX. A line that was incomplete is passed again, longer. */
  line(buffer: Buffer, at: number, to: number): number {
    let i = at + this.fine
    if (this.methodEnd === -1) {
      while (i < to && TOKEN[buffer[i] as number] === 1) i++
      if (i - at > MAX_METHOD) return this.refuse('method', LONG_METHOD)
      if (i === to) return this.incomplete(i - at)
      if (i === at || buffer[i] !== SP) return this.refuse('method', 'The request line does not begin with a method.')
      this.methodEnd = i++ - at
    }
    const target = at + this.methodEnd + 1
    if (this.targetEnd === -1) {
      while (i < to && TARGET_OCTETS[buffer[i] as number] === 1) i++
      if (i === to) return this.incomplete(i - at)
      if (buffer[i] !== SP) return this.refuseTarget(buffer, at, target, i)
      if (i === target) return this.refuse('request_line', 'The request target is missing.')
      this.targetEnd = i++ - at
    }
    const version = at + this.targetEnd + 1
    for (; i < to && i < version + VERSION.length; i++)
      if (buffer[i] !== VERSION[i - version]) return this.refuseVersion(buffer, at, to, i - version >= NAME_END)
    if (i === to) return this.incomplete(i - at)
    const minor = buffer[i] as number
    if (i === version + VERSION.length) {
      if (minor !== ZERO && minor !== DOT_ONE) return this.refuseVersion(buffer, at, to, true)
      if (++i === to) return this.incomplete(i - at)
    }
    if (buffer[i] !== CR) {
      this.keep(buffer, at, to)
      if (buffer[i] === LF) return this.refuse('line_end', 'The request line ends with a bare LF.')
      return this.refuse('request_line', 'There is something behind the version.')
    }
    if (i + 1 === to) return this.incomplete(i - at)
    this.keep(buffer, at, to)
    if (buffer[i + 1] !== LF) return this.refuse('line_end', 'There is a bare CR in the request line.')
    this.minor = (buffer[i - 1] as number) - ZERO
    return i + 2
  }

  /** What there is of a line that does not end, for the log. */
  keepPart(line: Buffer, length: number): void {
    if (this.methodEnd === -1) return
    this.method = line.toString('latin1', 0, this.methodEnd)
    this.target = line.toString('latin1', this.methodEnd + 1, this.targetEnd === -1 ? length : this.targetEnd)
  }

  /** `from`: where it begins; `at`: the octet that it cannot have. */
  private refuseTarget(buffer: Buffer, line: number, from: number, at: number): number {
    this.method = buffer.toString('latin1', line, from - 1)
    this.target = buffer.toString('latin1', from, lineEnd(buffer, at))
    if (buffer[at] === CR || buffer[at] === LF) return this.refuse('request_line', 'The version is missing.')
    return this.refuse('target', 'The request target contains a character that must be escaped.')
  }

  private refuseVersion(buffer: Buffer, line: number, to: number, isHttp: boolean): number {
    this.keep(buffer, line, to)
    if (isHttp) return this.refuse('version', 'Only HTTP/1.0 and HTTP/1.1 are supported.')
    return this.refuse('request_line', 'Behind the request target there is no HTTP version.')
  }

  private keep(buffer: Buffer, at: number, to: number): void {
    const { text } = this
    if (!isText(buffer, at, at + this.methodEnd, this.latest))
      this.latest = text.slice(buffer, at, at + this.methodEnd, to)
    this.method = this.latest
    this.target = text.slice(buffer, at + this.methodEnd + 1, at + this.targetEnd, to)
  }

  private refuse(rule: Rule, problem: string): number {
    this.rule = rule
    this.problem = problem
    return BREAKS_SYNTAX
  }

  private incomplete(fine: number): number {
    this.fine = fine
    return INCOMPLETE
  }
}

function isText(buffer: Buffer, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false
  for (let i = 0; i < text.length; i++) if (buffer[from + i] !== text.charCodeAt(i)) return false
  return true
}

/** Of the target with the wrong octet: up to the next blank or control character. */
function lineEnd(buffer: Buffer, at: number): number {
  let end = at
  while (end < buffer.length && (buffer[end] as number) > SP) end++
  return end
}
