import { describe, expect, test } from 'vitest'
import type { PathPoliciesConfig } from '../../../../src/core/path-policy.ts'
import { isRefusedTarget, type NormalTarget, normaliseTarget } from '../../../../src/data/routing/target.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { PATHS } from '../../../kit/lean.ts'

function normalise(target: string, dots: 'refuse' | 'normalise', policy: Partial<PathPoliciesConfig> = {}) {
  return normaliseTarget(target, { ...PATHS, dots, ...policy }, 'web')
}

function normal(
  target: string,
  dots: 'refuse' | 'normalise' = 'refuse',
  policy?: Partial<PathPoliciesConfig>,
): NormalTarget {
  const result = normalise(target, dots, policy)
  if (isRefusedTarget(result)) throw new Error(`${target} was refused: ${result.detail}`)
  return result
}

function reasonOf(target: string, dots: 'refuse' | 'normalise' = 'refuse'): string | undefined {
  const result = normalise(target, dots)
  return isRefusedTarget(result) ? result.reason : undefined
}

describe('plain targets', () => {
  test.each([
    ['/', '/', ''],
    ['/orders/7', '/orders/7', ''],
    ['/orders?', '/orders', '?'],
    ['/orders?a=1&b=%zz?c', '/orders', '?a=1&b=%zz?c'],
    ["/a/@me,x:y=$&+!*()'", "/a/@me,x:y=$&+!*()'", ''],
    ['/a?b//c;d', '/a', '?b//c;d'],
    ['/a{b}|c^"<>`', '/a{b}|c^"<>`', ''],
    ['/.well-known/x', '/.well-known/x', ''],
    ['/a/...', '/a/...', ''],
    ['/a/..b/.c', '/a/..b/.c', ''],
    ['/a?x=/../%2e', '/a', '?x=/../%2e'],
    ['/a?x=\xe9', '/a', '?x=\xe9'],
  ])('%s goes on byte for byte', (target, path, query) => {
    expect(normal(target)).toEqual({ path, query, forward: target, literal: undefined, readings: undefined })
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
    expect(result.literal).toBe(target.startsWith(path) ? undefined : target)
  })

  test.each([
    ['/a%2Eb?q=%2e', '/a.b', '/a.b?q=%2e'],
    ['/a%2eb%3a', '/a.b%3A', '/a.b%3A'],
    ['/caf\xc3\xa9?q=\xe9', '/caf%C3%A9', '/caf%C3%A9?q=\xe9'],
  ])('%s goes on in normal form', (target, path, forward) => {
    const result = normal(target)
    expect([result.path, result.forward, result.literal]).toEqual([path, forward, undefined])
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
    '/a/.%00./b',
    '/a/..%3Bx/b',
    '/a/.%3b',
    '/a/%C0%AE%c0%ae/b',
    '/a/%E0%80%AE./b',
    '/a/%F0%80%80%AE',
    '/a/..%C0%AFb',
    '/a%C1%9C..',
    '/a/%2e%2e;/b',
    '/a/..;',
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
    ['/a%00b', ['/a', '/ab']],
    ['/a%2Fb\\c', ['/a%2Fb/c', '/a/b\\c', '/a/b/c']],
    ['/a//b/', ['/a/b/']],
    ['//', ['/']],
    ['//a', ['/a', '/']],
    ['///a/b', ['/a/b', '/b']],
    ['//a//b', ['/a/b', '/a//b', '//b', '/b']],
    ['/a;x/b;y;z', ['/a/b']],
    ['/a;x%2Fb', ['/a', '/a;x/b', '/a/b']],
    ['/;x/b', ['//b', '/b', '/']],
    ['/a%C0%AFb', ['/a/b']],
    ['/a%C1%A1b%E0%81%A1', ['/aaba']],
    ['/%F0%80%80%BB', ['/;', '/']],
    ['/%C0%A5', ['/%25']],
  ])('%s: %j', (target, readings) => {
    const result = normal(target)
    expect(result.readings?.map(({ path }) => path)).toEqual(readings)
    expect(result.forward).toBe(target)
  })

  test.each([
    '/a%3Bb',
    '/a%252Fb',
    '/%C3%A9',
    '/%C0',
    '/%C0%20',
    '/%C2%80',
    '/%E0%A0%80',
    '/%F0%90%80%80',
    '/%F0%80',
    '/%C0%AFb'.slice(0, 4),
  ])('%s: none', (target) => {
    expect(normal(target).readings).toBeUndefined()
  })

  test.each(['/%2F%5C\\%00', '//a;x%2Fb\\', '//a//b//c;x%2F'])('%s: too many', (target) => {
    expect(reasonOf(target)).toBe('ambiguous_path')
  })

  test('what is kept is read in no other way', () => {
    expect(normal('//a//b', 'refuse', { slashes: 'keep' }).readings).toBeUndefined()
    expect(normal('/a;b', 'refuse', { parameters: 'keep' }).readings).toBeUndefined()
  })
})

describe('slashes and parameters', () => {
  const detail = (target: string, policy: Partial<PathPoliciesConfig>): string | undefined => {
    const result = normalise(target, 'refuse', policy)
    return isRefusedTarget(result) ? result.detail : undefined
  }

  test.each([
    ['//a///b?c//d', '/a/b', '/a/b?c//d'],
    ['/%61//b', '/a/b', '/a/b'],
    ['//', '/', '/'],
    ['/a/', '/a/', '/a/'],
  ])('merge: %s goes on as %s', (target, path, forward) => {
    const result = normal(target, 'refuse', { slashes: 'merge' })
    expect([result.path, result.forward, result.readings]).toEqual([path, forward, undefined])
  })

  test('merge comes before dots, as nginx has it', () => {
    expect(normal('/a//../b', 'normalise', { slashes: 'merge' }).path).toBe('/b')
  })

  test('refuse', () => {
    const slashes = 'The path holds two slashes in a row, which are not accepted here.'
    expect(['//', '/a//', '/a//b', '/a/%2F', '/a/b/'].map((target) => detail(target, { slashes: 'refuse' }))).toEqual([
      slashes,
      slashes,
      slashes,
      undefined,
      undefined,
    ])
    const semicolon = 'The path holds a semicolon, which is not accepted here.'
    expect(['/a;', '/;b/c', '/a%3Bb', '/a?b;c'].map((target) => detail(target, { parameters: 'refuse' }))).toEqual([
      semicolon,
      semicolon,
      undefined,
      undefined,
    ])
  })

  test.each([
    { slashes: 'keep', parameters: 'keep' },
    { slashes: 'merge', parameters: 'keep' },
  ] as const)('no policy lets a dot segment pass that some server sees: %j', (policy) => {
    for (const target of ['/a/..;/b', '/a/..%2Fb', '/a/.\\b', '/a/..%3B/b', '//..;x'])
      expect(detail(target, policy), target).toBe('The path holds a dot segment.')
  })

  test('a listener may have its own', () => {
    const listeners = [{ ...PATHS, listener: 'web', slashes: 'merge' as const }]
    expect(normal('//a', 'refuse', { listeners }).path).toBe('/a')
    expect(normal('//a', 'refuse', { listeners: [{ ...PATHS, listener: 'other' }] }).path).toBe('//a')
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
      const result = normalise(target, dots)
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
