import { describe, expect, it } from 'vitest'
import { LinearRegex } from '../../../../src/lib/regex.ts'
import { hashSource } from '../../../../src/tools/import/common/hash-source.ts'
import { precedences } from '../../../../src/tools/import/common/ranks.ts'
import { redirectTo } from '../../../../src/tools/import/common/redirect-to.ts'
import { convertRegex, widened } from '../../../../src/tools/import/common/regex.ts'
import { retryConditions } from '../../../../src/tools/import/common/retry-conditions.ts'
import { durationOf } from '../../../../src/tools/import/common/times.ts'
import { pathRule } from '../../../../src/tools/import/nginx/rewrites.ts'

describe('convertRegex', () => {
  const PATHS = [
    '/',
    '/a',
    '/A',
    '/a.png',
    '/a.PNG',
    '/x/a.png',
    '/a.pngx',
    '/v1/',
    '/v12/x',
    '/v/x',
    '/b',
    '/ab',
    '/c-d',
    '/$',
  ]

  it.each([
    '^/a$',
    '^/a',
    '\\.png$',
    'a',
    '^/(a|b)$',
    '^/a$|^/b$',
    '^/v[0-9]+/',
    '/(?:x|v\\d+)/',
    '^/[a-c]$',
    '^/[^a-b]+$',
    '^.*$',
    '\\$',
    '^/(?<name>a+)b?$',
    '[.]p(n|x)g',
  ])('%s matches what nginx matches', (source) => {
    for (const anyCase of [false, true]) {
      const converted = convertRegex(source, anyCase)
      if ('problem' in converted) throw new Error(converted.problem)
      const ours = new LinearRegex(converted.path.replace(/^~ /, ''))
      const theirs = new RegExp(source, anyCase ? 'i' : '')
      expect(PATHS.filter((path) => ours.test(path))).toEqual(PATHS.filter((path) => theirs.test(path)))
    }
  })

  it.each(['^/(?!a)', '(a)\\1', '[[:alpha:]]', '[]a]', 'a$b', '\\bx'])('refuses %s', (source) => {
    expect(convertRegex(source, false)).toMatchObject({ problem: expect.stringMatching(/./) })
  })

  it('can be had wider, without what looks around', () => {
    expect(widened('/\\.(?!well-known)x(?<=y)(a)')).toBe('/\\.x(a)')
  })
})

describe('precedences', () => {
  it('are none where the natural order is right', () => {
    const at = precedences([
      { host: undefined, levels: 0 },
      { host: 'a.b', levels: 0 },
    ])
    expect(at?.('a.b', 0)).toBe(0)
  })

  it('keep a more specific host above all levels of a less specific one', () => {
    const at = precedences([
      { host: undefined, levels: 3 },
      { host: '*.b', levels: 0 },
      { host: '*.a.b', levels: 1 },
      { host: 'x.a.b', levels: 0 },
    ])
    expect([at?.(undefined, 3), at?.('*.b', 0), at?.('*.a.b', 0), at?.('*.a.b', 1), at?.('x.a.b', 0)]).toEqual([
      3, 4, 5, 6, 7,
    ])
  })

  it('end', () => {
    expect(precedences([{ host: undefined, levels: 1001 }])).toBeUndefined()
  })
})

describe('pathRule', () => {
  it.each([
    ['^/old/(.*)$', '/new/$1', { kind: 'prefix', from: '/old', to: '/new', below: true }],
    ['^/old(.*)$', '/new$1', { kind: 'prefix', from: '/old', to: '/new', below: false }],
    ['^/old/?(.*)$', '/$1', { kind: 'prefix', from: '/old', to: '/', below: false }],
    ['^/(.*)$', '/x/$1', { kind: 'prefix', from: '/', to: '/x', below: false }],
    ['^/about\\.html$', '/about', { kind: 'exact', from: '/about.html', to: '/about' }],
    ['^', '/x', { kind: 'whole', to: '/x' }],
    ['.*', '/x', { kind: 'whole', to: '/x' }],
    ['^/a/(.*)$', '/b$1', undefined],
    ['^/(\\d+)/(.*)$', '/$2/$1', undefined],
    ['^/a/(.*)$', '/b?x=$1', undefined],
  ])('%s %s', (pattern, replacement, expected) => {
    expect(pathRule(pattern, replacement)).toEqual(expected)
  })
})

describe('redirectTo', () => {
  it.each([
    ['https://$host$request_uri', { to: { scheme: 'https' }, dropsQuery: false }],
    ['https://www.example.com$request_uri', { to: { scheme: 'https', host: 'www.example.com' }, dropsQuery: false }],
    ['https://a.b:8443/x', { to: { scheme: 'https', host: 'a.b', port: 8443, path: '/x' }, dropsQuery: true }],
    ['$scheme://a.b$request_uri', { to: { host: 'a.b' }, dropsQuery: false }],
    ['/new', { to: { path: '/new' }, dropsQuery: true }],
    ['https://a.b', { to: { scheme: 'https', host: 'a.b', path: '/' }, dropsQuery: true }],
    ['/x?y=1', undefined],
    ['https://$my_host/', undefined],
    ['$scheme://$host$request_uri', undefined],
    ['', undefined],
  ])('%j', (url, expected) => {
    expect(redirectTo(url)).toEqual(expected)
  })
})

describe('other words of nginx', () => {
  it.each([
    ['30', '30s'],
    ['1m30s', '90s'],
    ['1h', '3600s'],
    ['250ms', '250ms'],
    ['0', undefined],
    ['x', undefined],
  ])('time %s', (text, expected) => {
    expect(durationOf(text)).toBe(expected)
  })

  it.each([
    ['$remote_addr', { client: 'address' }],
    ['$http_x_user_id', { header: 'x-user-id' }],
    ['$cookie_id', { cookie: 'id' }],
    ['$arg_q', { query: 'q' }],
    ['$uri', { path: true }],
    ['$x$y', undefined],
  ])('key %s', (key, expected) => {
    expect(hashSource(key)).toEqual(expected)
  })

  it('proxy_next_upstream', () => {
    expect(retryConditions(['error', 'http_503', 'http_666'])).toEqual({
      when: ['connect', 'reset', 503],
      methods: undefined,
      unknown: ['http_666'],
    })
    expect(retryConditions(['off']).when).toBeUndefined()
    expect(retryConditions(['timeout', 'non_idempotent']).methods).toContain('POST')
  })
})
