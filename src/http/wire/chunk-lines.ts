import { BREAKS_SYNTAX, INCOMPLETE } from './lines.ts'
import { CR, HTAB, LF, SP, TEXT_OCTETS, TOKEN } from './octets.ts'

/** A chunk's size stays an exact number. */
const MAX_SIZE_DIGITS = 13

const SEMICOLON = 0x3b
const EQUALS = 0x3d
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** The lines between the chunks of one body: `chunk-size [ chunk-ext ] CRLF`, RFC 9112 section 7.1. */
export class ChunkLines {
  /** Of the latest chunk; 0: it was the last one. */
  size = 0
  /** The latest line has, or had up to its wrong octet, something behind the size. */
  extended = false
  private readonly blanks: boolean

  /**
   * `blanks`: around extensions, and behind sizes, which is not in the grammar: some servers pad sizes with them, and all
   * proxies accept these. Of requests they are refused: one who skips them and one who does not see two messages.
   */
  constructor({ blanks }: { readonly blanks: boolean }) {
    this.blanks = blanks
  }

  /** Position behind the line, INCOMPLETE or, from the first wrong octet on, BREAKS_SYNTAX. */
  line(buffer: Buffer, at: number, to: number): number {
    let i = at
    let size = 0
    this.extended = false
    for (; i < to; i++) {
      const digit = hexDigit(buffer[i] as number)
      if (digit === -1) break
      size = size * 16 + digit
    }
    const digits = i - at
    if (digits > MAX_SIZE_DIGITS) return BREAKS_SYNTAX
    if (i === to) return INCOMPLETE
    if (digits === 0) return BREAKS_SYNTAX
    if (buffer[i] !== CR) {
      this.extended = buffer[i] === SEMICOLON
      if (!this.extended && !this.blanks) return BREAKS_SYNTAX
      i = this.extensionsEnd(buffer, i, to)
      if (i < 0) return i
    }
    if (i + 1 === to) return INCOMPLETE
    if (buffer[i + 1] !== LF) return BREAKS_SYNTAX
    this.size = size
    return i + 2
  }

  /**
   * Position of the CR behind `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) BWS`, INCOMPLETE or
   * BREAKS_SYNTAX.
   */
  private extensionsEnd(buffer: Buffer, from: number, to: number): number {
    let i = from
    for (;;) {
      i = this.blanksEnd(buffer, i, to)
      if (i === to) return INCOMPLETE
      if (buffer[i] === CR) return i
      if (buffer[i] !== SEMICOLON) return BREAKS_SYNTAX
      i = this.blanksEnd(buffer, i + 1, to)
      const nameEnd = tokenEnd(buffer, i, to)
      if (nameEnd === to) return INCOMPLETE
      if (nameEnd === i) return BREAKS_SYNTAX
      i = this.blanksEnd(buffer, nameEnd, to)
      if (i === to) return INCOMPLETE
      if (buffer[i] !== EQUALS) continue
      i = this.blanksEnd(buffer, i + 1, to)
      if (i === to) return INCOMPLETE
      const valueEnd = buffer[i] === QUOTE ? quotedEnd(buffer, i, to) : tokenEnd(buffer, i, to)
      if (valueEnd === to) return INCOMPLETE
      if (valueEnd === i) return BREAKS_SYNTAX
      i = valueEnd
    }
  }

  private blanksEnd(buffer: Buffer, from: number, to: number): number {
    let i = from
    if (this.blanks) while (i < to && (buffer[i] === SP || buffer[i] === HTAB)) i++
    return i
  }
}

function hexDigit(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30
  const letter = octet | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

function tokenEnd(buffer: Buffer, from: number, to: number): number {
  let i = from
  while (i < to && TOKEN[buffer[i] as number] === 1) i++
  return i
}

/** Behind the closing quote; `to` if it has not come, `from` if an octet is wrong. */
function quotedEnd(buffer: Buffer, from: number, to: number): number {
  for (let i = from + 1; i < to; i++) {
    const octet = buffer[i] as number
    if (octet === QUOTE) return i + 1
    if (octet === BACKSLASH && ++i === to) return to
    if (TEXT_OCTETS[buffer[i] as number] !== 1) return from
  }
  return to
}
