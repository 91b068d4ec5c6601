/**
 * Percent-encoding (RFC 3986, section 2.1) of byte strings: latin1 text, one character per byte, as HTTP fields and targets
 * carry it.
 */

const HEX = '0123456789ABCDEF'

/** Value of a hexadecimal digit's character code, or -1. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** Byte that the escape at `index` (its `%`) stands for, or -1 if it is none. */
export function escapedByte(text: string, index: number): number {
  const high = hexDigit(text.charCodeAt(index + 1))
  const low = hexDigit(text.charCodeAt(index + 2))
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

export function escapeByte(byte: number): string {
  return `%${HEX[byte >> 4]}${HEX[byte & 15]}`
}

/** ALPHA, DIGIT, `-`, `.`, `_`, `~`: escaped or not, they mean the same (RFC 3986, section 2.3). */
export function isUnreserved(code: number): boolean {
  const letter = code | 0x20
  return (
    (letter >= 0x61 && letter <= 0x7a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x5f ||
    code === 0x7e
  )
}

/** Text as its UTF-8 bytes, one character per byte. */
export function byteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/**
 * Escapes what a URI must not hold bare: controls, space, `"<>\^`{|}` and bytes above 0x7E. Existing escapes and all
 * delimiters stay. Browsers read a bare backslash as a slash, so a `Location` must not carry one.
 */
export function escapeForbidden(bytes: string): string {
  let out = ''
  let from = 0
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes.charCodeAt(i)
    if (!isForbidden(code)) continue
    out += bytes.slice(from, i) + escapeByte(code)
    from = i + 1
  }
  return from === 0 ? bytes : out + bytes.slice(from)
}

function isForbidden(code: number): boolean {
  return (
    code <= 0x20 ||
    code === 0x22 ||
    code === 0x3c ||
    code === 0x3e ||
    code === 0x5c ||
    code === 0x5e ||
    code === 0x60 ||
    code >= 0x7f ||
    (code >= 0x7b && code <= 0x7d)
  )
}
