import { describe, expect, test } from 'vitest'
import { Attempt } from '../../../../src/core/attempt.ts'
import { failure } from '../../../../src/core/failures.ts'
import { type RewriteOptions, rewrite } from '../../../../src/features/rewrite/feature.ts'
import type { FlatHeaders } from '../../../../src/lib/headers.ts'
import { featureContext } from '../../../kit/feature.ts'
import { routed } from '../../../kit/policy.ts'

interface Asked {
  readonly target?: string
  readonly headers?: FlatHeaders
  readonly endpoint?: string
  readonly authority?: string
}

/** The fields of an answer that came of `endpoint`, as they go to the client. */
function answered(options: RewriteOptions, fields: FlatHeaders, asked: Asked = {}): FlatHeaders {
  const {
    target = '/orders/7',
    headers = [],
    endpoint = 'http://10.0.0.1:8080',
    authority = 'app.internal:8080',
  } = asked
  const policy = rewrite.compile(options, featureContext())?.target
  const ex = routed({ target, headers })
  policy?.admit?.(ex)
  ex.attempt = new Attempt(1, 'u', 0)
  ex.attempt.endpoint = endpoint
  ex.attempt.authority = authority
  ex.response = { status: 302, headers: [...fields] }
  policy?.respond?.(ex)
  return ex.response.headers
}

function location(options: RewriteOptions, value: string, asked?: Asked): string {
  return answered(options, ['X-A', '1', 'Location', value], asked)[3] as string
}

const OWN: RewriteOptions = { redirects: 'own' }
const STRIPS: RewriteOptions = { stripPrefix: '/orders', redirects: 'own' }

describe('a reference that names the endpoint', () => {
  test.each([
    ['http://app.internal:8080/login?next=%2F#top', '/login?next=%2F#top'],
    ['http://10.0.0.1:8080/login', '/login'],
    ['HTTP://APP.Internal:8080/login', '/login'],
    ['http://app.internal.:08080/login', '/login'],
    ['https://app.internal:8080/login', '/login'],
    ['//app.internal:8080/login', '/login'],
    ['http://app.internal:8080', '/'],
    ['http://app.internal:8080?a=b', '/?a=b'],
    ['http://app.internal:8080#a', '/#a'],
    ['http://app.internal:8080/caf\xc3\xa9', '/caf\xc3\xa9'],
    // A path that would be read as a host.
    ['http://app.internal:8080//evil.example/x', '/.//evil.example/x'],
    ['//app.internal:8080//evil.example', '/.//evil.example'],
  ])('becomes a path: %s', (value, expected) => {
    expect(location(OWN, value)).toBe(expected)
  })

  test.each([
    // Of others, or of the gateway itself.
    ...[
      'http://app.internal/login',
      'http://app.internal:8081/',
      'https://app.internal/',
      '//app.internal/x',
      '//10.0.0.1/',
    ],
    ...[
      'http://example.com/login',
      'http://app.internal.example:8080/',
      'http://xapp.internal:8080/',
      'ftp://app.internal:8080/',
    ],
    // Odd.
    ...['http://user@app.internal:8080/', 'http://app.internal:8080@evil.example/', 'http:/app.internal:8080/'],
    ...[
      'http:app.internal:8080/',
      'http:///app.internal:8080/',
      '\\\\app.internal:8080/x',
      'http:\\\\app.internal:8080\\x',
    ],
    ...['http://app.internal:8080\\@evil.example/', ' http://app.internal:8080/', 'http://app.internal:8080/a b'],
    ...[
      'http://app.internal:8080/\t/evil.example',
      'http://app.internal:808O/',
      'http://app.internal:80800/',
      'http://app..internal:8080/',
    ],
    ...[
      'http://app.internal:8080:8080/',
      'http://%61pp.internal:8080/',
      'http://app.internal%3a8080/',
      '',
      '/',
      '//',
      'http://',
    ],
    // Paths.
    ...['/login', 'login', '../login', '?x', '#x', '/orders/login'],
  ])('stays: %s', (value) => {
    for (const options of [OWN, STRIPS]) expect(location(options, value)).toBe(value)
  })

  test('goes by the default port of its scheme', () => {
    const plain = { endpoint: 'http://10.0.0.1:80', authority: 'app' }
    const tls = { endpoint: 'https://10.0.0.1:443', authority: 'app' }
    for (const value of ['http://app/x', 'http://app:80/x', 'http://app:/x', '//app/x', 'http://10.0.0.1/x'])
      expect(location(OWN, value, plain)).toBe('/x')
    for (const value of ['https://app/x', 'https://app:443/x', '//app/x', '//app:443/x'])
      expect(location(OWN, value, tls)).toBe('/x')
    for (const value of ['https://app/x', 'http://app:443/x']) expect(location(OWN, value, plain)).not.toBe('/x')
    expect(location(OWN, 'http://app/x', tls)).toBe('http://app/x')
  })

  test('of an IPv6 address is known in any spelling', () => {
    const asked = { endpoint: 'http://[fd00::1]:8080', authority: '[fd00::1]:8080' }
    for (const value of ['http://[fd00::1]:8080/x', 'http://[FD00:0:0::1]:8080/x'])
      expect(location(OWN, value, asked)).toBe('/x')
    for (const value of ['http://[fd00::2]:8080/x', 'http://[fd00::1/x'])
      expect(location(OWN, value, asked)).toBe(value)
  })

  test('gets back the prefix that was taken away', () => {
    const at = 'http://app.internal:8080'
    expect(location(STRIPS, `${at}/login?a#b`)).toBe('/orders/login?a#b')
    expect(location(STRIPS, at)).toBe('/orders/')
    expect(location(STRIPS, `${at}//evil.example`)).toBe('/orders//evil.example')
    expect(location(STRIPS, `${at}/ordersx`)).toBe('/orders/ordersx')
    const replaces: RewriteOptions = { replacePrefix: { from: '/orders', to: '/v2' }, redirects: 'own' }
    expect(location(replaces, `${at}/v2/login`)).toBe('/orders/login')
    expect(location(replaces, `${at}/v2`)).toBe('/orders')
    expect(location(replaces, `${at}/v2?a=/v2`)).toBe('/orders?a=/v2')
    // There is no way to it; its place is not told all the same.
    expect(location(replaces, `${at}/other`)).toBe('/other')
    expect(location({ path: '/x', redirects: 'own' }, `${at}/y`)).toBe('/y')
    // The request's path had no such prefix.
    expect(location(STRIPS, `${at}/login`, { target: '/elsewhere' })).toBe('/login')
    expect(location({ stripPrefix: '/', redirects: 'own' }, `${at}//x`)).toBe('/.//x')
  })

  test.each([
    ['/../x', '/orders/x'],
    ['/%2e%2E/x?a=/../b#/../c', '/orders/x?a=/../b#/../c'],
    ['/a/.%2e/../../b', '/orders/b'],
    ['/./a/%2E/b/..', '/orders/a/'],
    ['/..', '/orders/'],
    ['/..//evil.example', '/orders//evil.example'],
    // As one that the upstream has put there itself, and as one that it leaves again.
    ['/orders/a/../b', '/orders/b'],
    ['/orders/../x', '/orders/x'],
    // No dot segments to browsers.
    ['/.../a..b/..;x/.a', '/orders/.../a..b/..;x/.a'],
  ])('cannot be left by dot segments: %s', (path, expected) => {
    expect(location(STRIPS, `http://app.internal:8080${path}`)).toBe(expected)
    expect(location({ ...STRIPS, redirects: 'paths' }, path)).toBe(expected)
  })

  test('dot segments may lead nowhere else', () => {
    const replaces: RewriteOptions = { replacePrefix: { from: '/orders', to: '/v2' }, redirects: 'own' }
    expect(location(replaces, 'http://app.internal:8080/v2/../other')).toBe('/other')
    expect(location(replaces, 'http://app.internal:8080/other/../v2/x')).toBe('/orders/x')
    expect(location(replaces, 'http://app.internal:8080/..//evil.example')).toBe('/.//evil.example')
    expect(location({ ...replaces, redirects: 'paths' }, '/..//evil.example')).toBe('/.//evil.example')
  })

  test('keeps the prefix that an upstream has put there as X-Forwarded-Prefix asks', () => {
    expect(location(STRIPS, 'http://app.internal:8080/orders/login')).toBe('/orders/login')
    expect(location(STRIPS, 'http://app.internal:8080/orders')).toBe('/orders')
    const outer = { headers: ['X-Forwarded-Prefix', '/outer'] }
    expect(location(STRIPS, 'http://app.internal:8080/outer/orders/login', outer)).toBe('/outer/orders/login')
    expect(location(STRIPS, 'http://app.internal:8080/outer/login', outer)).toBe('/orders/outer/login')
  })
})

describe('redirects: paths', () => {
  const paths: RewriteOptions = { ...STRIPS, redirects: 'paths' }

  test.each([
    ['/login', '/orders/login'],
    ['/?a', '/orders/?a'],
    ['/orders/login', '/orders/login'],
    ['/orders', '/orders'],
    ['/orders?a', '/orders?a'],
    ['/ordersx', '/orders/ordersx'],
    ['http://app.internal:8080/login', '/orders/login'],
  ])('puts the prefix in front of %s', (value, expected) => {
    expect(location(paths, value)).toBe(expected)
  })

  test.each(['//evil.example/x', 'login', './login', '?x', '', '/\\evil.example', '/a b', 'http://example.com/login'])(
    'leaves %s',
    (value) => {
      expect(location(paths, value)).toBe(value)
    },
  )

  test('maps what was replaced, and knows the prefix of a gateway in front', () => {
    const replaces: RewriteOptions = { replacePrefix: { from: '/orders', to: '/v2' }, redirects: 'paths' }
    expect(location(replaces, '/v2/login')).toBe('/orders/login')
    expect(location(replaces, '/login')).toBe('/login')
    const outer = { headers: ['X-Forwarded-Prefix', '/outer'] }
    expect(location(paths, '/outer/orders/login', outer)).toBe('/outer/orders/login')
    expect(location(paths, '/login', outer)).toBe('/orders/login')
  })
})

test('all fields that hold a reference are changed, no other', () => {
  const at = 'http://app.internal:8080'
  const before = [
    'location',
    `${at}/a`,
    'Content-Location',
    `${at}/b`,
    'X-Location',
    `${at}/c`,
    'LOCATION',
    `${at}/d`,
    'Refresh',
    `5; url=${at}/e`,
  ]
  const after = [
    'location',
    '/a',
    'Content-Location',
    '/b',
    'X-Location',
    `${at}/c`,
    'LOCATION',
    '/d',
    'Refresh',
    '5; url=/e',
  ]
  expect(answered(OWN, before)).toEqual(after)
  expect(answered({}, before)).toEqual(before)
})

test.each([
  ['0;URL=http://app.internal:8080/x', '0;URL=/orders/x'],
  ["5 ; url = 'http://app.internal:8080/x'", "5 ; url = '/orders/x'"],
  ['1.5,url="http://app.internal:8080/x" ', '1.5,url="/orders/x" '],
  ['5', '5'],
  ['5; http://app.internal:8080/x', '5; /orders/x'],
  ['5,"http://app.internal:8080/x"', '5,"/orders/x"'],
  ['5 http://app.internal:8080/x', '5 /orders/x'],
  ['5 url=http://app.internal:8080/x', '5 url=/orders/x'],
  ['5; url', '5; url'],
  ['5x; http://app.internal:8080/x', '5x; http://app.internal:8080/x'],
  [`5;${' '.repeat(60_000)}x y`, `5;${' '.repeat(60_000)}x y`],
  ['5; url="http://app.internal:8080/x', '5; url="http://app.internal:8080/x'],
  ['5; url=http://app.internal:8080/x y', '5; url=http://app.internal:8080/x y'],
  ['5; url=', '5; url='],
])('Refresh: %s', (value, expected) => {
  expect(answered(STRIPS, ['refresh', value])).toEqual(['refresh', expected])
})

test('answers of our own stay', () => {
  const policy = rewrite.compile(STRIPS, featureContext())?.target
  const ex = routed({ target: '/orders/7' })
  const said = ['location', 'http://app.internal:8080/x']
  ex.response = { status: 302, headers: [...said] }
  policy?.respond?.(ex)
  expect(ex.response.headers).toEqual(said)
  ex.attempt = new Attempt(1, 'u', 0)
  ex.attempt.endpoint = 'http://10.0.0.1:8080'
  ex.attempt.authority = 'app.internal:8080'
  ex.failure = failure('upstream_reset', 'headers', 'upstream')
  policy?.respond?.(ex)
  expect(ex.response.headers).toEqual(said)
})

describe('cookies', () => {
  const cookie = (cookies: RewriteOptions['cookies'], value: string): FlatHeaders =>
    answered({ cookies }, ['Set-Cookie', value, 'set-cookie', value])

  test.each([
    ['a=1; Path=/app/x; Secure', 'a=1; Path=/orders/x; Secure'],
    ['a=1;PATH = /app ;Secure', 'a=1;PATH =/orders;Secure'],
    ['a=1; path=/other', 'a=1; path=/all/other'],
    ['a=1; Path=/application', 'a=1; Path=/all/application'],
    ['Path=/app; HttpOnly', 'Path=/app; HttpOnly'],
    ['a=1; Path; Path=', 'a=1; Path; Path='],
    ['a=1', 'a=1'],
  ])('Path of %s', (value, expected) => {
    const path = [
      { from: '/app', to: '/orders' },
      { from: '/', to: '/all' },
    ]
    expect(cookie({ path, domain: undefined }, value)).toEqual(['Set-Cookie', expected, 'set-cookie', expected])
  })

  test.each([
    ['a=1; Domain=app.internal; Path=/', 'a=1; Domain=shop.example.com; Path=/'],
    ['a=1;domain= .APP.internal', 'a=1;domain=shop.example.com'],
    ['a=1; Domain=x.app.internal', 'a=1; Domain=x.app.internal'],
    ['a=1; Domain=gone.internal; Path=/', 'a=1; Path=/'],
    ['Domain=app.internal', 'Domain=app.internal'],
  ])('Domain of %s', (value, expected) => {
    const domain = [
      { from: 'app.internal', to: 'shop.example.com' },
      { from: '.gone.internal', to: undefined },
      { from: 'app.internal', to: 'second.example.com' },
    ]
    expect(cookie({ path: undefined, domain }, value)).toEqual(['Set-Cookie', expected, 'set-cookie', expected])
  })
})
