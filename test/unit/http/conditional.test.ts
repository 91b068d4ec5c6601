import { describe, expect, test } from 'vitest'
import { precondition, rangeOf } from '../../../src/http/conditional.ts'
import { seededRandom } from '../../../src/lib/random.ts'

const MODIFIED = Date.UTC(2026, 10, 30, 12, 0, 0)
const WALL = MODIFIED + 3_600_000
const THERE = { etag: '"v1"', modified: MODIFIED, size: 100 }
const at = (ms: number): string => new Date(MODIFIED + ms).toUTCString()

describe('a conditional request', () => {
  test.each([
    [[], 'holds'],
    [['If-None-Match', '"v1"'], 'unmodified'],
    [['if-none-match', 'W/"v1"'], 'unmodified'],
    [['if-none-match', '*'], 'unmodified'],
    [['if-none-match', '"a", W/"b,c" , "v1"'], 'unmodified'],
    [['if-none-match', '"a"', 'If-None-Match', '"v1"'], 'unmodified'],
    [['if-none-match', '"v2"'], 'holds'],
    [['if-none-match', 'v1'], 'holds'],
    [['if-none-match', '""v1""'], 'holds'],
    [['if-modified-since', at(0)], 'unmodified'],
    [['if-modified-since', at(5_000)], 'unmodified'],
    [['if-modified-since', at(-1_000)], 'holds'],
    [['if-modified-since', 'yesterday'], 'holds'],
    [['if-none-match', '"v2"', 'if-modified-since', at(0)], 'holds'],
    [['if-match', '"v1"'], 'holds'],
    [['if-match', '*'], 'holds'],
    [['if-match', '"v2"'], 'failed'],
    [['if-match', 'W/"v1"'], 'failed'],
    [['if-unmodified-since', at(0)], 'holds'],
    [['if-unmodified-since', at(-1_000)], 'failed'],
    [['if-unmodified-since', 'never'], 'holds'],
    [['if-match', '"v1"', 'if-unmodified-since', at(-1_000)], 'holds'],
    [['if-match', '"v2"', 'if-none-match', '"v1"'], 'failed'],
    [['if-match', '"v1"', 'if-none-match', '"v1"'], 'unmodified'],
  ] as const)('%j: %s', (headers, result) => expect(precondition(headers, THERE, WALL)).toBe(result))
})

describe('a range', () => {
  test.each([
    ['bytes=0-0', { from: 0, to: 0 }],
    ['bytes=10-', { from: 10, to: 99 }],
    ['Bytes=10-19', { from: 10, to: 19 }],
    ['bytes=90-500', { from: 90, to: 99 }],
    ['bytes=-5', { from: 95, to: 99 }],
    ['bytes=-500', { from: 0, to: 99 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=100-200', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-4', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,5-6', undefined],
    ['bytes=a-b', undefined],
    ['bytes=1', undefined],
    ['lines=0-1', undefined],
    ['bytes=0-99999999999999999999', undefined],
    ['', undefined],
  ] as const)('%s', (range, result) => expect(rangeOf(['Range', range], THERE, WALL)).toEqual(result))

  test.each([
    ['"v1"', true],
    ['W/"v1"', false],
    ['"v2"', false],
    [at(0), true],
    [at(1_000), false],
    [at(-1_000), false],
    ['nonsense', false],
  ])('with If-Range: %s', (validator, applies) => {
    const asked = rangeOf(['range', 'bytes=0-9', 'if-range', validator], THERE, WALL)
    expect(asked).toEqual(applies ? { from: 0, to: 9 } : undefined)
  })

  test('of what is empty cannot be given', () => {
    const empty = { ...THERE, size: 0 }
    for (const range of ['bytes=0-', 'bytes=-5', 'bytes=0-0'])
      expect(rangeOf(['range', range], empty, WALL)).toBe('unsatisfiable')
  })
})

test('fuzz: no field makes it throw, and a range lies within what is there', () => {
  const random = seededRandom(3)
  const pick = <T>(list: readonly T[]): T => list[random.uint32() % list.length] as T
  const names = ['if-match', 'If-None-Match', 'if-range', 'range', 'if-modified-since', 'if-unmodified-since']
  const bits = [
    '"v1"',
    'W/',
    '"',
    ',',
    '*',
    ' ',
    'bytes=',
    '-',
    '0',
    '99',
    '100',
    '1e3',
    '\xff',
    at(0),
    'GMT',
    '\t',
    '=',
  ]
  for (let i = 0; i < 20_000; i++) {
    const headers = Array.from({ length: 1 + (random.uint32() % 4) }, () => [
      pick(names),
      Array.from({ length: random.uint32() % 6 }, () => pick(bits)).join(''),
    ]).flat()
    expect(['holds', 'failed', 'unmodified']).toContain(precondition(headers, THERE, WALL))
    const range = rangeOf(headers, THERE, WALL)
    if (typeof range !== 'object') continue
    expect(range.from).toBeGreaterThanOrEqual(0)
    expect(range.to).toBeGreaterThanOrEqual(range.from)
    expect(range.to).toBeLessThan(THERE.size)
  }
})
