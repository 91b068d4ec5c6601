import { expect, test } from 'vitest'
import { byteString, escapeByte, escapedByte, escapeForbidden, isUnreserved } from '../../../src/lib/percent.ts'

test('every byte survives being escaped', () => {
  for (let byte = 0; byte < 256; byte++) {
    const escaped = escapeByte(byte)
    expect(escaped).toMatch(/^%[0-9A-F]{2}$/)
    expect(escapedByte(`x${escaped.toLowerCase()}`, 1)).toBe(byte)
  }
})

test('what is no escape is none', () => {
  for (const text of ['%', '%4', '%g0', '%0g', '%@0', '%0`', '%:0']) expect(escapedByte(text, 0), text).toBe(-1)
})

test('unreserved is what RFC 3986 says', () => {
  for (let code = 0; code < 256; code++) {
    expect(isUnreserved(code), String(code)).toBe(/[A-Za-z0-9._~-]/.test(String.fromCharCode(code)))
  }
})

test('forbidden characters are escaped, delimiters and escapes stay', () => {
  const delimiters = "/?#[]@:!$&'()*+,;=%41-._~"
  expect(escapeForbidden(delimiters)).toBe(delimiters)
  expect(escapeForbidden(byteString('a b\\"é\r\n\x7f'))).toBe('a%20b%5C%22%C3%A9%0D%0A%7F')
  for (let code = 0; code < 256; code++) {
    const escaped = escapeForbidden(String.fromCharCode(code))
    expect(escaped.length, String(code)).toBe(/[!#-;=?-[\]_a-z~]/.test(String.fromCharCode(code)) ? 1 : 3)
  }
})
