import { expect, test } from 'vitest'
import { httpDate, parseHttpDate } from '../../../src/lib/http-date.ts'

const WALL = Date.UTC(2026, 0, 1)

test.each([
  ['Sun, 06 Nov 1994 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Sunday, 06-Nov-94 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Sun Nov  6 08:49:37 1994', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Friday, 01-Jan-60 00:00:00 GMT', Date.UTC(2060, 0, 1)],
  ['Friday, 01-Jan-77 00:00:00 GMT', Date.UTC(1977, 0, 1)],
  ['Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0, 1)],
])('%s', (text, ms) => expect(parseHttpDate(text, WALL)).toBe(ms))

test.each([
  '',
  'now',
  'Sun, 06 Nov 1994 08:49:37',
  'Sun, 06 Nov 1994 08:49:37 UTC',
  'Sun, 06 Nov 1994 08:49:37 +0100',
  'Sun, 31 Feb 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 25:49:37 GMT',
  'Sun, 06 Nov 1994 08:60:37 GMT',
  'Sun, 00 Nov 1994 08:49:37 GMT',
  '1994-11-06T08:49:37Z',
  `Sun, 06 Nov 1994 08:49:37 GMT${' '.repeat(100)}`,
])('%j is none', (text) => expect(parseHttpDate(text, WALL)).toBeUndefined())

test('what is written is read again', () => {
  for (const ms of [0, 951_782_400_000, WALL, WALL + 86_399_000]) expect(parseHttpDate(httpDate(ms), WALL)).toBe(ms)
})
