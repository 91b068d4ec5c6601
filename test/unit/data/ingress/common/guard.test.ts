import { describe, expect, test } from 'vitest'
import { HeadGuard, type RawHead } from '../../../../../src/data/ingress/common/guard.ts'

const limits = { headerBytes: 100, headerCount: 4, targetBytes: 20, connections: 1 }

function head(rawHeaders: string[], overrides: Partial<RawHead> = {}): RawHead {
  return { method: 'GET', url: '/', httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders, ...overrides }
}

const judge = (rawHeaders: string[], overrides: Partial<RawHead> = {}): string | undefined =>
  new HeadGuard(limits).judge(head(rawHeaders, overrides))?.reason

describe('facts', () => {
  test.each([
    ['a', 'a'],
    ['A.Example.COM', 'a.example.com'],
    ['a.example.com.', 'a.example.com'],
    ['a.example.com.:8080', 'a.example.com'],
    ['a:', 'a'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[2001:DB8::1]:443', '[2001:db8::1]'],
    ['[2001:0db8::0:1]', '[2001:db8::1]'],
    ['my_service:1', 'my_service'],
  ])('Host %s names %s', (value, host) => {
    const guard = new HeadGuard(limits)
    for (let i = 0; i < 2; i++) {
      expect(guard.judge(head(['Host', value]))).toBe(undefined)
      expect(guard).toMatchObject({ host, authority: value })
    }
  })

  test('of one request do not stay for the next', () => {
    const guard = new HeadGuard(limits)
    guard.judge(head(['Host', 'a', 'Content-Length', '7', 'Expect', '100-continue'], { method: 'POST' }))
    expect(guard).toMatchObject({ contentLength: 7, expects: true })
    guard.judge(head([], { httpVersionMinor: 0, url: '/x' }))
    expect(guard).toMatchObject({
      host: '',
      authority: '',
      contentLength: 0,
      expects: false,
      target: '/x',
      protocol: 'HTTP/1.0',
    })
  })

  test('the length is that of the framing, whichever field comes first', () => {
    for (const headers of [
      ['Host', 'a', 'Content-Length', '7', 'Transfer-Encoding', 'Chunked'],
      ['Host', 'a', 'Transfer-Encoding', 'Chunked', 'Content-Length', '7'],
    ]) {
      const guard = new HeadGuard(limits)
      guard.judge(head(headers))
      expect(guard.contentLength).toBe(-1)
    }
  })
})

test.each([
  '.',
  '.:80',
  ':80',
  'a:b',
  'a:1:2',
  'a:99999',
  'a:000080',
  '[::1',
  '[]',
  '[x]',
  '[::1]x',
  'x..',
  '.x',
  'a..b:80',
  '[1:2]',
  'a%20b',
  'a,b',
  "a'b",
  'a\\b',
  'a#b',
  'a?b',
  'a@b',
  `${'a'.repeat(300)}`,
])('Host %s is refused', (value) => {
  expect(judge(['Host', value])).toMatch(/bad_request|headers_too_large/)
})

describe('limits are exact', () => {
  test('target', () => {
    expect(judge(['Host', 'a'], { url: `/${'x'.repeat(19)}` })).toBe(undefined)
    expect(judge(['Host', 'a'], { url: `/${'x'.repeat(20)}` })).toBe('uri_too_long')
  })

  test('number of fields', () => {
    expect(judge(['Host', 'a', 'b', '1', 'c', '1', 'd', '1'])).toBe(undefined)
    expect(judge(['Host', 'a', 'b', '1', 'c', '1', 'd', '1', 'e', '1'])).toBe('headers_too_large')
  })

  test('bytes of fields, with colon, space and line end', () => {
    expect(judge(['Host', 'a', 'x', 'y'.repeat(86)])).toBe(undefined)
    expect(judge(['Host', 'a', 'x', 'y'.repeat(87)])).toBe('headers_too_large')
  })
})

test('Expect may be repeated only in kind', () => {
  expect(judge(['Host', 'a', 'Expect', '100-continue', 'expect', '100-CONTINUE'])).toBe(undefined)
  expect(judge(['Host', 'a', 'Expect', '100-continue', 'expect', 'x'])).toBe('expectation_failed')
})
