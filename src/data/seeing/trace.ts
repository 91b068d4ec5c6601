import { writeHex } from '../../lib/hex.ts'
import type { Random } from '../../lib/random.ts'
import { TextBatch } from '../../lib/text-batch.ts'

const DASH = 45
const COMMA = 44
const EQUALS = 61
const VERSION_00_LENGTH = 55
const MAX_MEMBERS = 32
const MAX_KEY = 256
const MAX_VALUE = 256
/** With IDs that are filled in. Flags (section 3.2.2.5): not sampled, and the last 56 bits of the ID are random. */
const NEW = `00-${'0'.repeat(32)}-${'0'.repeat(16)}-02`

function isLowerHex(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false
  }
  return true
}

function isAllZero(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (text.charCodeAt(i) !== 48) return false
  return true
}

/**
 * Whether a `traceparent` can be sent on (W3C Trace Context Level 2, section 3.2): lower-case hex, no all-zero IDs, never
 * version ff. An unknown version may be longer after one more hyphen.
 */
export function isTraceparent(value: string): boolean {
  if (value.length < VERSION_00_LENGTH) return false
  if (value.charCodeAt(2) !== DASH || value.charCodeAt(35) !== DASH || value.charCodeAt(52) !== DASH) return false
  if (!isLowerHex(value, 0, 2) || !isLowerHex(value, 3, 35)) return false
  if (!isLowerHex(value, 36, 52) || !isLowerHex(value, 53, 55)) return false
  if (isAllZero(value, 3, 35) || isAllZero(value, 36, 52)) return false
  if (value.startsWith('ff')) return false
  if (value.length === VERSION_00_LENGTH) return true
  return !value.startsWith('00') && value.charCodeAt(VERSION_00_LENGTH) === DASH
}

/**
 * Whether a `tracestate`, several fields joined by commas, can be sent on (section 3.3): at most 32 members with valid
 * keys and values, at least one. There is no limit in bytes: 512 is the least that must be forwarded.
 */
export function isTracestate(value: string): boolean {
  let members = 0
  let start = 0
  for (let i = 0; i <= value.length; i++) {
    if (i < value.length && value.charCodeAt(i) !== COMMA) continue
    const from = skipBlanks(value, start, i)
    if (from < i) {
      if (++members > MAX_MEMBERS || !isMember(value, from, i)) return false
    }
    start = i + 1
  }
  return members > 0
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}

function skipBlanks(text: string, start: number, end: number): number {
  let i = start
  while (i < end && isBlank(text.charCodeAt(i))) i++
  return i
}

function isMember(text: string, start: number, end: number): boolean {
  const equals = text.indexOf('=', start)
  if (equals === -1 || equals >= end || !isKey(text, start, equals)) return false
  let last = end
  while (last > equals + 1 && isBlank(text.charCodeAt(last - 1))) last--
  const length = last - equals - 1
  if (length === 0 || length > MAX_VALUE) return false
  for (let i = equals + 1; i < last; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code > 0x7e || code === COMMA || code === EQUALS) return false
  }
  return true
}

/** A letter or digit, then up to 255 of these, `_`, `-`, `*`, `/` and `@` (Level 2 has no rule for where an `@` stands). */
function isKey(text: string, start: number, end: number): boolean {
  if (start === end || end - start > MAX_KEY) return false
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    const plain = (code >= 97 && code <= 122) || (code >= 48 && code <= 57)
    if (!plain && (i === start || !isKeyMark(code))) return false
  }
  return true
}

/** `_`, `-`, `*`, `/` or `@`. */
function isKeyMark(code: number): boolean {
  return code === 95 || code === DASH || code === 42 || code === 47 || code === 64
}

/**
 * New traces that are not sampled, with IDs that are random to the last bit, as their flags say. An ID of zeros only is
 * practically impossible, but still replaced.
 */
export function newTraceparents(random: Random): TextBatch {
  return new TextBatch(NEW, (out, at) => {
    writeHex(random.uint32() | 1, 8, out, at + 3)
    for (let i = 11; i < 35; i += 8) writeHex(random.uint32(), 8, out, at + i)
    writeHex(random.uint32(), 8, out, at + 36)
    writeHex(random.uint32() | 1, 8, out, at + 44)
  })
}
