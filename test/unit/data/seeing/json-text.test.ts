import { describe, expect, test } from 'vitest'
import { jsonMs, jsonText, TimeText } from '../../../../src/data/seeing/json-text.ts'

describe('text of JSON strings', () => {
  test('every byte comes back from JSON.parse, in ASCII', () => {
    for (let code = 0; code < 0x300; code++) {
      const text = `a${String.fromCharCode(code)}b${String.fromCharCode(code)}`
      const encoded = jsonText(text)
      expect(JSON.parse(`"${encoded}"`)).toBe(text)
      expect(encoded).toMatch(/^[\x20-\x7e]*$/)
    }
    expect(JSON.parse(`"${jsonText('\u{1f600} \ud800 \uffff')}"`)).toBe('\u{1f600} \ud800 \uffff')
  })

  test('plain text is not copied', () => expect(jsonText('/orders/1?x=y&z')).toBe('/orders/1?x=y&z'))

  test('what is too long is cut', () => {
    expect(jsonText('x'.repeat(2048))).toBe('x'.repeat(2048))
    expect(JSON.parse(`"${jsonText('x'.repeat(2049))}"`)).toBe(`${'x'.repeat(2048)}\u2026`)
  })
})

describe('milliseconds', () => {
  test.each([
    [0, '0'],
    [-1, '0'],
    [1, '1'],
    [1.5, '1.500'],
    [0.001, '0.001'],
    [0.0004, '0'],
    [12.0456, '12.046'],
    [0.9996, '1'],
    [123_456.789, '123456.789'],
    [1e12, '1000000000000'],
  ])('%d is %s', (ms, text) => expect(jsonMs(ms)).toBe(text))
})

describe('time', () => {
  test('is what Date says, across seconds, minutes, days and back', () => {
    const time = new TimeText()
    const start = Date.UTC(2026, 11, 31, 23, 59, 58, 990)
    for (const ms of [0, 9, 10, 999, 1009, 1010, 1500, 86_400_000, 5]) {
      expect(time.of(start + ms)).toBe(new Date(start + ms).toISOString())
    }
    expect(time.of(start + 0.75)).toBe(new Date(start).toISOString())
  })
})
