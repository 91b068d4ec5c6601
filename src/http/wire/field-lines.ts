import { BREAKS_SYNTAX, INCOMPLETE } from './lines.ts'
import { COLON, CR, HTAB, LF, SP, TEXT_OCTETS, TOKEN } from './octets.ts'
import { TextWindow } from './window.ts'

/** Of a field's name in a problem: logs need no more. */
const MAX_NAMED = 64

/**
 * The field lines of a head or of trailers, RFC 9112 section 5, one by one. Octets are judged from the left, so that the
 * outcome does not depend on how they were cut, and the first wrong one ends it: a peer that speaks another protocol may
 * never send a LF.
 */
export class FieldLines {
  /** Flat, as on the wire, one character per octet. */
  fields: string[] = []
  /** Why a line was refused. */
  problem = ''
  /** The problem is where a line ends: bare CR or LF. */
  lineEnd = false
  /** Of the latest line: length of its name, and position behind its value. */
  colon = -1
  valueEnd = 0
  private readonly most: number
  private readonly text: TextWindow
  /** Octets of an incomplete line that are known to be right, so that none is judged twice. */
  private fine = 0
  /** Place of its colon; -1: not found yet. */
  private colonSeen = -1

  /** `most`: how many fields a section may have; `text`: where the text of what stands before it comes from, too. */
  constructor(most: number, text: TextWindow = new TextWindow()) {
    this.most = most
    this.text = text
  }

  /** Another section begins. */
  begin(): void {
    this.fields = []
    this.lineEnd = false
    this.fine = 0
    this.colonSeen = -1
  }

  /** The octets of buffers seen so far may have changed. */
  forget(): void {
    this.text.forget()
  }

  /** Position behind the line, INCOMPLETE or BREAKS_SYNTAX. A line that was incomplete is passed again, longer. */
  field(buffer: Buffer, at: number, to: number): number {
    let i = at + this.fine
    let colon = this.colonSeen
    if (colon === -1) {
      while (i < to && TOKEN[buffer[i] as number] === 1) i++
      if (i === to) return this.incomplete(i - at, -1)
      if (i === at || buffer[i] !== COLON) return this.refuse(nameProblem(buffer, at, i), i === at && buffer[i] === LF)
      colon = i - at
      i++
    }
    while (i < to && TEXT_OCTETS[buffer[i] as number] === 1) i++
    if (i === to || (buffer[i] === CR && i + 1 === to)) return this.incomplete(i - at, colon)
    const nameEnd = at + colon
    if (buffer[i] !== CR || buffer[i + 1] !== LF) {
      const what = buffer[i] === CR ? 'bare CR' : 'control character, or bare LF'
      return this.refuse(`${named(buffer, at, nameEnd)}: ${what}`, buffer[i] === CR || buffer[i] === LF)
    }
    let valueFrom = nameEnd + 1
    while (valueFrom < i && isBlank(buffer[valueFrom] as number)) valueFrom++
    let valueEnd = i
    while (valueEnd > valueFrom && isBlank(buffer[valueEnd - 1] as number)) valueEnd--
    if (this.fields.length === 2 * this.most) return this.refuse(`more than ${this.most} fields`)
    const { text } = this
    this.fields.push(text.slice(buffer, at, nameEnd, to), text.slice(buffer, valueFrom, valueEnd, to))
    this.colon = colon
    this.valueEnd = valueEnd
    if (this.fine !== 0) {
      this.fine = 0
      this.colonSeen = -1
    }
    return i + 2
  }

  /** The empty line that ends a section; only if the line starts with CR. */
  emptyLine(buffer: Buffer, at: number, to: number): number {
    if (at + 1 === to) return INCOMPLETE
    return buffer[at + 1] === LF ? at + 2 : this.refuse('bare CR', true)
  }

  private refuse(problem: string, lineEnd = false): number {
    this.problem = problem
    this.lineEnd = lineEnd
    return BREAKS_SYNTAX
  }

  private incomplete(fine: number, colon: number): number {
    this.fine = fine
    this.colonSeen = colon
    return INCOMPLETE
  }
}

function isBlank(octet: number): boolean {
  return octet === SP || octet === HTAB
}

/** A field by its name: a token, so that it can stand in a log; its value cannot. */
function named(buffer: Buffer, from: number, end: number): string {
  return `field ${buffer.toString('latin1', from, Math.min(end, from + MAX_NAMED))}`
}

/** `at`: place of the octet that is no part of a name. */
function nameProblem(buffer: Buffer, from: number, at: number): string {
  const octet = buffer[at] as number
  if (at === from) return isBlank(octet) ? 'folded line' : 'a line without a field name'
  if (octet === CR || octet === LF) return `${named(buffer, from, at)}: no colon`
  return `${named(buffer, from, at)}: ${isBlank(octet) ? 'blank in the name' : 'invalid character in the name'}`
}
