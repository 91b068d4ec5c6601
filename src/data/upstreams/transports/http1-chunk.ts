import { INCOMPLETE, REFUSED } from './http1-head.ts'
import { indexOfLf } from './http1-lines.ts'
import { CR, LF, TEXT, TOKEN } from './http1-octets.ts'

/** A chunk's size stays an exact number. */
const MAX_SIZE_DIGITS = 13
/** Extensions of all chunks of an answer together: they cost us and mean nothing (the attack of CVE-2024-22019). */
const MAX_EXTENSION_BYTES = 16_384

const SEMICOLON = 0x3b
const EQUALS = 0x3d
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** The lines between the chunks of one answer: `chunk-size [ chunk-ext ] CRLF`, RFC 9112 section 7.1. */
export class ChunkLines {
  /** Of the latest chunk; 0: it was the last one. */
  size = 0
  private extensionBytes = 0

  begin(): void {
    this.extensionBytes = 0
  }

  /** Position behind the line, INCOMPLETE or REFUSED. */
  line(buffer: Buffer, at: number, to: number): number {
    let i = at
    let size = 0
    for (; i < to; i++) {
      const digit = hexDigit(buffer[i] as number)
      if (digit === -1) break
      size = size * 16 + digit
    }
    const digits = i - at
    i = extensionsEnd(buffer, i, to)
    if (digits === 0 || digits > MAX_SIZE_DIGITS || i + 1 >= to || buffer[i] !== CR || buffer[i + 1] !== LF) {
      return indexOfLf(buffer, at, to) === -1 ? INCOMPLETE : REFUSED
    }
    this.extensionBytes += i - at - digits
    if (this.extensionBytes > MAX_EXTENSION_BYTES) return REFUSED
    this.size = size
    return i + 2
  }
}

function hexDigit(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30
  const letter = octet | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** Where `*( ";" name [ "=" ( token / quoted-string ) ] )` ends; no white space is taken, as in Node's own parser. */
function extensionsEnd(buffer: Buffer, from: number, to: number): number {
  let i = from
  while (i < to && buffer[i] === SEMICOLON) {
    const name = i + 1
    i = tokenEnd(buffer, name, to)
    if (i === name) return name - 1
    if (i >= to || buffer[i] !== EQUALS) continue
    const value = i + 1
    i = buffer[value] === QUOTE ? quotedEnd(buffer, value, to) : tokenEnd(buffer, value, to)
    if (i === value) return name - 1
  }
  return i
}

function tokenEnd(buffer: Buffer, from: number, to: number): number {
  let i = from
  while (i < to && TOKEN[buffer[i] as number] === 1) i++
  return i
}

/** Behind the closing quote; `from` where there is none. */
function quotedEnd(buffer: Buffer, from: number, to: number): number {
  for (let i = from + 1; i < to; i++) {
    const octet = buffer[i] as number
    if (octet === QUOTE) return i + 1
    if (octet === BACKSLASH) i++
    if (TEXT[buffer[i] as number] !== 1) return from
  }
  return from
}
