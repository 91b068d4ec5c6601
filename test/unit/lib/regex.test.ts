import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/lib/random.ts'
import { LinearRegex } from '../../../src/lib/regex.ts'
import { RegexError } from '../../../src/lib/regex-error.ts'

describe('supported syntax means what it means in ECMAScript, on the whole text', () => {
  const patterns = [
    '',
    'abc',
    '^abc$',
    'a|b|',
    '(a|b)*c',
    '(?:ab)+',
    'a{2}',
    'a{2,}b?',
    'a{0,3}c',
    '(a{1,2}b){2,3}',
    '(a?b?)*c',
    '(a*)*b',
    '(|a)+b',
    '[abc]+',
    '[^ab]c',
    '[a-b-]*',
    '[]a',
    '.*b.*',
    'a+?b*?',
    '\\d\\w\\s',
    '\\D\\W\\S',
    '[\\d.]+',
    'a\\.b',
    '\\/a\\$',
    'a$',
    '\\^a',
    '[$^.]',
  ]

  test.each(patterns)('%j', (source) => {
    const own = new LinearRegex(source)
    const theirs = new RegExp(`^(?:${source})$`, 's')
    const random = seededRandom(7)
    const letters = 'aaabbbccc.-/$^ 1_\xe9'
    for (let i = 0; i < 3000; i++) {
      let text = ''
      for (let n = random.uint32() % 7; n > 0; n--) text += letters[random.uint32() % letters.length]
      expect(own.test(text), text).toBe(theirs.test(text))
    }
  })

  test('patterns made at random', () => {
    const random = seededRandom(11)
    const pick = (from: readonly string[]): string => from[random.uint32() % from.length] as string
    const make = (depth: number): string => {
      const kind = depth === 0 ? 0 : random.uint32() % 5
      if (kind === 1) return `(${make(depth - 1)}|${make(depth - 1)})`
      if (kind === 2) return `(${make(depth - 1)})${pick(['*', '+', '?', '{2}', '{1,2}', '{0,2}', '{1,}'])}`
      if (kind > 2) return make(depth - 1) + make(depth - 1)
      return pick(['a', 'b', 'c', '.', '[ab]', '[^a]', ''])
    }
    let matches = 0
    for (let i = 0; i < 1500; i++) {
      const source = make(4)
      const own = new LinearRegex(source)
      const theirs = new RegExp(`^(?:${source})$`)
      for (let j = 0; j < 20; j++) {
        let text = ''
        for (let n = random.uint32() % 6; n > 0; n--) text += pick(['a', 'b', 'c'])
        const expected = theirs.test(text)
        if (expected) matches++
        expect(own.test(text), `${source} on ${text}`).toBe(expected)
      }
    }
    expect(matches).toBeGreaterThan(2000)
  })
})

test('text outside ASCII is matched by its UTF-8 bytes', () => {
  expect(new LinearRegex('caf(é|e)').test('caf\xc3\xa9')).toBe(true)
})

test('what makes a backtracking engine explode takes one pass', () => {
  const text = 'a'.repeat(8192)
  for (const source of ['(a*)*b', '(a|a)*b', '(a|aa)+b', '.*.*.*.*.*b', '(.*)*(.*)*b']) {
    expect(new LinearRegex(source).test(text)).toBe(false)
  }
  expect(new LinearRegex('a*').test(text)).toBe(true)
})

test('text above 8 KiB never matches', () => {
  expect(new LinearRegex('.*').test('a'.repeat(8193))).toBe(false)
})

describe('what is not supported is an error that says so', () => {
  test.each([
    ['(?=a)', 'look-around'],
    ['(?<name>a)', 'named groups'],
    ['(a)\\1', '"\\1"'],
    ['\\bword', '"\\b"'],
    ['a^b', 'outer end'],
    ['a$b', 'outer end'],
    ['(a', 'unbalanced "("'],
    ['a)', 'unbalanced ")"'],
    ['[a', 'unbalanced "["'],
    ['[z-a]', 'range'],
    ['*a', 'nothing to repeat'],
    ['a**', 'nothing to repeat'],
    ['a{2}{3}', 'nothing to repeat'],
    ['a{x}', '{n,m}'],
    ['a{3,2}', '{n,m}'],
    ['a{2', '{n,m}'],
    ['a{501}', '500 times'],
    ['(a{100}){100}', 'larger than 500'],
    ['(((((){400}){400}){400}){400}){400}', 'too many'],
    [`${'('.repeat(200)}${')'.repeat(200)}`, 'nested deeper'],
    ['a\\', 'backslash'],
  ])('%s', (source, words) => {
    expect(() => new LinearRegex(source)).toThrow(RegexError)
    expect(() => new LinearRegex(source)).toThrow(words)
  })
})

describe('meet', () => {
  const letters = [...Buffer.from('abc/')]

  function meet(one: string, other: string): string | undefined {
    return new LinearRegex(one).meet(new LinearRegex(other), [...Buffer.from('/')], letters)
  }

  test.each([
    ['/a*', '/a{3}', '/aaa'],
    ['/.*c', '/(ab)+.', '/abc'],
    ['(/a|/b)c?', '/b.*', '/b'],
    ['.*', '/', '/'],
    ['/[ab]', '/[bc]', '/b'],
  ])('%s and %s both match %s', (one, other, text) => {
    expect(meet(one, other)).toBe(text)
    expect(meet(other, one)).toBe(text)
  })

  test.each([
    ['/a+', '/b+'],
    ['a/.*', '.*'],
    ['/(aa)+', '/a(aa)*'],
    ['/x', '/.'],
    ['', ''],
  ])('%s and %s have nothing in common', (one, other) => {
    expect(meet(one, other)).toBe(undefined)
  })

  test('agrees with testing every short text', () => {
    const random = seededRandom(3)
    const parts = ['a', 'b', '[ab]', '.', '(a|bc)', 'a*', '(ab)?', 'c+', '[^a]', '/']
    const texts = ['/']
    for (let i = 0; (texts[i] as string).length < 5; i++)
      for (const letter of 'abc/') texts.push(`${texts[i]}${letter}`)
    let met = 0
    for (let round = 0; round < 300; round++) {
      const make = (): string => Array.from({ length: 3 }, () => parts[random.uint32() % parts.length]).join('')
      const [one, other] = [`/${make()}`, `/${make()}`]
      const [a, b] = [new LinearRegex(one), new LinearRegex(other)]
      const shortest = texts.find((text) => a.test(text) && b.test(text))
      const found = meet(one, other)
      if (found === undefined) expect(shortest, `${one} ${other}`).toBe(undefined)
      else
        expect([a.test(found), b.test(found), found.length], `${one} ${other}`).toEqual([
          true,
          true,
          (shortest ?? found).length,
        ])
      if (found !== undefined) met++
    }
    expect(met).toBeGreaterThan(50)
    expect(met).toBeLessThan(290)
  })
})
