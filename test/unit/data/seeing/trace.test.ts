import { describe, expect, test } from 'vitest'
import { isTraceparent, isTracestate, newTraceparents } from '../../../../src/data/seeing/trace.ts'
import { seededRandom } from '../../../../src/lib/random.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

describe('traceparent', () => {
  test.each([
    `00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-00`,
    `00-${TRACE}-${SPAN}-ff`,
    `cc-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01-what-the-future-will-be`,
    `cc-${TRACE}-${SPAN}-01-`,
  ])('%s is valid', (value) => expect(isTraceparent(value)).toBe(true))

  test.each([
    '',
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-0`,
    `00-${TRACE}-${SPAN}-01-`,
    `00-${TRACE}-${SPAN}-01-x`,
    `cc-${TRACE}-${SPAN}-01x`,
    `cc-${TRACE}-${SPAN}-01.x`,
    `ff-${TRACE}-${SPAN}-01`,
    `0-${TRACE}-${SPAN}-01`,
    `000-${TRACE}-${SPAN}-01`,
    `.0-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN.toUpperCase()}-01`,
    `00-${TRACE}-${SPAN}-0A`,
    `0A-${TRACE}-${SPAN}-01`,
    `00-${TRACE.slice(1)}g-${SPAN}-01`,
    `00_${TRACE}-${SPAN}-01`,
    `00-${TRACE}_${SPAN}-01`,
    `00-${TRACE}-${SPAN}_01`,
    `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`,
  ])('%j is invalid', (value) => expect(isTraceparent(value)).toBe(false))

  test('a new one is valid, unsampled and different each time', () => {
    const traces = newTraceparents(seededRandom(1))
    const seen = new Set(Array.from({ length: 100 }, () => traces.next()))
    expect(seen.size).toBe(100)
    for (const value of seen) {
      expect(isTraceparent(value)).toBe(true)
      expect(value.endsWith('-02')).toBe(true)
    }
    const last = Array.from(seen, (value) => Number.parseInt(value.charAt(34), 16) & 1)
    expect(new Set(last)).toEqual(new Set([0, 1]))
  })

  test('a new one is valid even where randomness is broken', () => {
    expect(isTraceparent(newTraceparents({ uint32: () => 0, float: () => 0 }).next())).toBe(true)
  })
})

describe('tracestate', () => {
  const members = (n: number) => Array.from({ length: n }, (_, i) => `k${i}=v`).join(',')

  test.each([
    'foo=1',
    'foo=1,bar=2',
    'foo=1 , \tbar=2\t',
    'foo=1,,bar=2,',
    'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
    '0tenant@system=1',
    '0foo=1',
    '0=1',
    'foo@=1',
    'foo@0bar=1',
    'foo@@bar=1',
    'foo@bar@baz=1',
    `t@${'v'.repeat(15)}=1`,
    `${'t'.repeat(242)}@v=1`,
    `a${'@'.repeat(255)}=1`,
    'foo=1,foo=1',
    'foo=1,foo=2',
    'abcdefghijklmnopqrstuvwxyz0123456789_-*/@=1',
    'a=!"#$%&\'()*+-./0123456789:;<>?@ABCXYZ[\\]^_`abcxyz{|}~',
    'a=   x',
    `${'a'.repeat(241)}@${'b'.repeat(14)}=1`,
    `${'z'.repeat(256)}=1`,
    'a_-*/0=1',
    `a=${'v'.repeat(256)}`,
    'a= !~x',
    members(32),
  ])('%j is valid', (value) => expect(isTracestate(value)).toBe(true))

  test.each([
    '',
    ' ',
    ',',
    'foo',
    '=1',
    'foo=',
    'foo =1',
    'FOO=1',
    '@foo=1',
    '_foo=1',
    '-foo=1',
    '*foo=1',
    '/foo=1',
    'foO=1',
    'foo bar=1',
    'foo\u00e9=1',
    'foo.bar=1',
    'foo=1,bar',
    'foo=1,=2',
    'foo=1;bar=2',
    'a=b=c',
    'a=\u00e9',
    'a=x\ty',
    `${'z'.repeat(257)}=1`,
    `${'t'.repeat(255)}@v=1`,
    `a=${'v'.repeat(257)}`,
    members(33),
  ])('%j is invalid', (value) => expect(isTracestate(value)).toBe(false))
})
