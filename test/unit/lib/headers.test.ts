import { expect, test } from 'vitest'
import { beginsWith, isNamed } from '../../../src/lib/headers.ts'

test('names are the same in any case, and no other octet is taken for a letter', () => {
  expect(isNamed('Content-Type', 'content-type')).toBe(true)
  expect(isNamed('CONTENT-TYPE', 'content-type')).toBe(true)
  expect(isNamed('Content-Type2', 'content-type')).toBe(false)
  expect(isNamed('Content_Type', 'content-type')).toBe(false)
  // Each octet but a letter, with the bit that tells cases apart set and not.
  for (let code = 0; code < 256; code++) {
    const text = String.fromCharCode(code)
    for (const wanted of ['-', '_', '0', 'a', 'z', '@', '`', '{']) {
      expect(isNamed(text, wanted), `${code} for ${wanted}`).toBe(text === wanted || text === wanted.toUpperCase())
    }
  }
})

test('a text begins with another one, in any case', () => {
  expect(beginsWith('Text/Event-Stream; charset=utf-8', 'text/event-stream')).toBe(true)
  expect(beginsWith('text/event', 'text/event-stream')).toBe(false)
  expect(beginsWith('text/plain; text/event-stream', 'text/event-stream')).toBe(false)
})
