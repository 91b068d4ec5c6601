import { describe, expect, test } from 'vitest'
import { type RedirectOptions, redirect } from '../../../../src/features/redirect/feature.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { featureContext } from '../../../kit/feature.ts'
import { type Request, replyOf, routed } from '../../../kit/policy.ts'

function location(options: Omit<RedirectOptions, 'status'>, request: Request, names: readonly string[] = []): string {
  const reply = replyOf(redirect.compile({ ...options, status: 307 }, featureContext(names))?.answer, routed(request))
  expect([reply.status, reply.headers[0], reply.headers.slice(2)]).toEqual([307, 'location', ['content-length', '0']])
  return reply.headers[1] as string
}

describe('where to', () => {
  test.each<[Omit<RedirectOptions, 'status'>, Request, string]>([
    [{ host: 'www.example.com' }, { target: '/a?b=c%20d&e' }, 'http://www.example.com/a?b=c%20d&e'],
    [{ host: 'www.example.com' }, { peer: { secure: true } }, 'https://www.example.com/'],
    [{ scheme: 'https' }, { target: '/a', host: 'shop.example.com:8080' }, 'https://shop.example.com/a'],
    [{ scheme: 'https', port: 8443 }, { host: 'a.com' }, 'https://a.com:8443/'],
    [{ scheme: 'https', port: 443 }, { host: 'a.com' }, 'https://a.com/'],
    [{ port: 80 }, { host: 'a.com:8080' }, 'http://a.com/'],
    [{ scheme: 'https' }, { target: '/a', host: '' }, '/a'],
    [{ path: '/new' }, { target: '/old?x' }, '/new?x'],
    [{ replacePrefix: { from: '/old', to: '/new' } }, { target: '/old/x?y' }, '/new/x?y'],
    [{ replacePrefix: { from: '/old', to: '' } }, { target: '/old' }, '/'],
    [{ host: 'a.com', replacePrefix: { from: '/old', to: '/new' } }, { target: '/other' }, 'http://a.com/other'],
  ])('%j %j: %s', (options, request, expected) => {
    expect(location(options, request)).toBe(expected)
  })

  test('parameters', () => {
    expect(
      location({ path: { texts: ['/u/', ''], names: ['params.id'] } }, { target: '/x/7?q', params: ['7'] }, ['id']),
    ).toBe('/u/7?q')
  })

  test('a trusted proxy knows the scheme', () => {
    const ex = routed({ headers: ['X-Forwarded-Proto', 'https'], host: 'a.com' })
    const policy = redirect.compile({ host: 'b.com', status: 301 }, featureContext())?.answer
    expect(replyOf(policy, ex).headers[1]).toBe('http://b.com/')
    ex.trusted = true
    expect(replyOf(policy, ex).headers[1]).toBe('https://b.com/')
  })
})

describe('X-Forwarded-Host', () => {
  const to = (
    headers: string[],
    trusted = true,
    options: Omit<RedirectOptions, 'status'> = { scheme: 'https' },
  ): string => {
    const ex = routed({ headers, host: 'inner.test:8080' })
    ex.trusted = trusted
    return replyOf(redirect.compile({ ...options, status: 301 }, featureContext())?.answer, ex).headers[1] as string
  }

  test.each([
    ['Shop.TEST.:8443', 'https://shop.test/'],
    ['[2001:DB8:0::1]:8443', 'https://[2001:db8::1]/'],
    ['shop.test, inner.test', 'https://shop.test/'],
    ['', 'https://inner.test/'],
    ['shop..test', 'https://inner.test/'],
    ['evil.test/x?', 'https://inner.test/'],
    ['u@evil.test', 'https://inner.test/'],
    [',shop.test', 'https://inner.test/'],
  ])('%j of a trusted peer: %s', (value, location) => {
    expect(to(['X-Forwarded-Host', value])).toBe(location)
  })

  test('of several lines the last one is the peer’s own', () =>
    expect(to(['x-forwarded-host', 'evil.test', 'X-Forwarded-Host', 'shop.test'])).toBe('https://shop.test/'))

  test('of strangers counts nothing, and what the config says counts most', () => {
    expect(to(['X-Forwarded-Host', 'evil.test'], false)).toBe('https://inner.test/')
    expect(to(['X-Forwarded-Host', 'shop.test'], true, { host: 'a.com' })).toBe('http://a.com/')
  })

  test('the scheme may be one of a list', () =>
    expect(to(['X-Forwarded-Proto', 'HTTPS, http'], true, { host: 'a.com' })).toBe('https://a.com/'))
})

describe('a crafted path never leads to another host', () => {
  test.each([
    [{ replacePrefix: { from: '/old', to: '' } }, '/old//evil.com', '/.//evil.com'],
    [{ replacePrefix: { from: '/old', to: '/' } }, '/old//evil.com', '/.//evil.com'],
    [{ replacePrefix: { from: '/old', to: '' } }, '/old/\\evil.com', '/%5Cevil.com'],
    [{ replacePrefix: { from: '/none', to: '/x' } }, '//evil.com/a', '/.//evil.com/a'],
    [{ host: 'a.com' }, '//evil.com', 'http://a.com//evil.com'],
    [{ host: 'a.com' }, '/@evil.com', 'http://a.com/@evil.com'],
  ])('%j %s', (options, target, expected) => {
    expect(location(options, { target })).toBe(expected)
  })

  test('whatever is sent', () => {
    const random = seededRandom(5)
    const pieces = ['/', '\\', '//', 'evil.com', '@', ':', '%2f', '%5c', '%09', '%0d%0a', '\xff', '?', 'old', ';', '.']
    for (let i = 0; i < 5000; i++) {
      let target = random.uint32() % 2 === 0 ? '/old/' : '/'
      for (let n = random.uint32() % 7; n > 0; n--) target += pieces[random.uint32() % pieces.length]
      let request: Request
      try {
        routed({ target })
        request = { target }
      } catch {
        continue
      }
      for (const options of [{ replacePrefix: { from: '/old', to: '' } }, { host: 'example.com' }]) {
        const to = location(options, request)
        expect(new URL(to, 'http://example.com').host, `${target} led to ${to}`).toBe('example.com')
        expect(/^[!-~]*$/.test(to)).toBe(true)
      }
    }
  })
})
