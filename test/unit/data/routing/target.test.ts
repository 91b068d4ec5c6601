import { describe, expect, test } from 'vitest'
import { isRefusedTarget, type NormalTarget, normaliseTarget } from '../../../../src/data/routing/target.ts'
import { seededRandom } from '../../../../src/lib/random.ts'

function normal(target: string, dots: 'refuse' | 'normalise' = 'refuse'): NormalTarget {
  const result = normaliseTarget(target, dots)
  if (isRefusedTarget(result)) throw new Error(`${target} was refused: ${result.detail}`)
  return result
}

function reasonOf(target: string, dots: 'refuse' | 'normalise' = 'refuse'): string | undefined {
  const result = normaliseTarget(target, dots)
  return isRefusedTarget(result) ? result.reason : undefined
}

describe('plain targets', () => {
  test.each([
    ['/', '/', ''],
    ['/orders/7', '/orders/7', ''],
    ['/orders?', '/orders', '?'],
    ['/orders?a=1&b=%zz?c', '/orders', '?a=1&b=%zz?c'],
    ['//a///b', '//a///b', ''],
    ["/a;v=1/@me,x:y=$&+!*()'", "/a;v=1/@me,x:y=$&+!*()'", ''],
    ['/a{b}|c^"<>`', '/a{b}|c^"<>`', ''],
    ['/.well-known/x', '/.well-known/x', ''],
    ['/a/...', '/a/...', ''],
    ['/a/..b/.c', '/a/..b/.c', ''],
    ['/a?x=/../%2e', '/a', '?x=/../%2e'],
    ['/a?x=\xe9', '/a', '?x=\xe9'],
  ])('%s goes on byte for byte', (target, path, query) => {
    expect(normal(target)).toEqual({ path, query, forward: target, readings: undefined })
  })

  test('the asterisk is its own form', () => {
    expect(normal('*').path).toBe('*')
  })
})

describe('escapes', () => {
  test.each([
    ['/%61%7E%2D%5F', '/a~-_'],
    ['/%c3%a9', '/%C3%A9'],
    ['/%3a%40', '/%3A%40'],
    ['/%252e', '/%252e'],
    ['/a%20b?q=%20', '/a%20b'],
  ])('%s is matched as %s and goes on raw', (target, path) => {
    const result = normal(target)
    expect([result.path, result.forward]).toEqual([path, target])
  })

  test.each([
    ['/a%2Eb?q=%2e', '/a.b', '/a.b?q=%2e'],
    ['/a%2eb%3a', '/a.b%3A', '/a.b%3A'],
    ['/caf\xc3\xa9?q=\xe9', '/caf%C3%A9', '/caf%C3%A9?q=\xe9'],
  ])('%s goes on in normal form', (target, path, forward) => {
    const result = normal(target)
    expect([result.path, result.forward]).toEqual([path, forward])
  })

  test.each(['/%', '/%4', '/%zz', '/%4g/', '/a%?b', '/%4?1', '/%%41'])('%s is malformed', (target) => {
    expect(reasonOf(target)).toBe('bad_request')
  })
})

describe('what no request line may hold', () => {
  test.each([
    '',
    'a',
    '?a',
    'http://h/',
    '\\a',
    '/a b',
    '/a\tb',
    '/a\0',
    '/a\r\nb',
    '/a\x7f',
    '/a#b',
    '/a?b#c',
    '/a?b c',
    '/a?\x7f',
    '/%41?b\n',
  ])('%j is malformed', (target) => {
    expect(reasonOf(target)).toBe('bad_request')
    expect(reasonOf(target, 'normalise')).toBe('bad_request')
  })
})

describe('dot segments', () => {
  test.each([
    ['/.', '/'],
    ['/..', '/'],
    ['/a/./b', '/a/b'],
    ['/a/../b?q=1', '/b'],
    ['/a/b/..', '/a/'],
    ['/a/b/.', '/a/b/'],
    ['/a//../b', '/a/b'],
    ['/../../a', '/a'],
    ['/a/%2e%2E/b', '/b'],
    ['/a/.%2e', '/'],
    ['/%2e/a', '/a'],
    ['/a%2Fb/../c', '/c'],
  ])('%s is refused, or becomes %s', (target, path) => {
    expect(reasonOf(target)).toBe('ambiguous_path')
    const result = normal(target, 'normalise')
    expect(result.path).toBe(path)
    expect(result.forward).toBe(path + result.query)
  })

  test.each([
    '/a/..;x/b',
    '/a/.;/b',
    '/..;',
    '/a/..%2Fb',
    '/a%2F..',
    '/a/..\\b',
    '/a\\%2e%2e',
    '/a%5C..%5cb',
    '/a/..%00',
  ])('%s is refused either way: upstreams disagree on it', (target) => {
    expect(reasonOf(target)).toBe('ambiguous_path')
    expect(reasonOf(target, 'normalise')).toBe('ambiguous_path')
  })
})

describe('other readings', () => {
  test.each([
    ['/a%2fb', ['/a/b']],
    ['/a\\b', ['/a/b']],
    ['/a%5cb', ['/a/b']],
    ['/a%00b', ['/a']],
    ['/a%2Fb\\c', ['/a/b\\c', '/a%2Fb/c', '/a/b/c']],
    ['/a%2Fb%00c', ['/a/b%00c', '/a%2Fb', '/a/b']],
  ])('%s', (target, readings) => {
    const result = normal(target)
    expect(result.readings).toEqual(readings)
    expect(result.forward).toBe(target)
  })

  test('there are at most 15', () => {
    expect(normal('/%2F%5C\\%00').readings).toHaveLength(15)
  })
})

test('what is forwarded has the normal form that was matched, whatever was sent', () => {
  const random = seededRandom(3)
  const pieces = [
    '/',
    '/',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2f',
    '%5c',
    '\\',
    '%00',
    'a',
    'b',
    '%61',
    ';',
    '%3B',
    '~',
    '%7e',
    '\xe9',
    '%',
    '?',
    '+',
    '%41',
  ]
  let served = 0
  for (let i = 0; i < 20_000; i++) {
    let target = '/'
    for (let n = random.uint32() % 9; n > 0; n--) target += pieces[random.uint32() % pieces.length]
    for (const dots of ['refuse', 'normalise'] as const) {
      const result = normaliseTarget(target, dots)
      if (isRefusedTarget(result)) continue
      served++
      // No policy lets a dot segment through, so the strictest reader agrees with what was matched.
      const again = normal(result.forward, 'refuse')
      expect([again.path, again.query], target).toEqual([result.path, result.query])
      expect(normal(result.path).forward).toBe(result.path)
    }
  }
  expect(served).toBeGreaterThan(5000)
})
