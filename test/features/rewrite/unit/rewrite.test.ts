import { describe, expect, test } from 'vitest'
import { type RewriteOptions, rewrite } from '../../../../src/features/rewrite/feature.ts'
import { featureContext } from '../../../kit/feature.ts'
import { type Request, routed } from '../../../kit/policy.ts'

function forwarded(
  options: RewriteOptions,
  request: Request,
  names: readonly string[] = [],
): [string, string | undefined] {
  const ex = routed(request)
  expect(rewrite.compile(options, featureContext(names))?.target?.admit?.(ex)).toBeUndefined()
  return [ex.forwardTarget, ex.forwardAuthority]
}

describe('prefixes', () => {
  test.each<[RewriteOptions, string, string]>([
    [{ stripPrefix: '/orders' }, '/orders/7?a=%2F&b', '/7?a=%2F&b'],
    [{ stripPrefix: '/orders/' }, '/orders/7', '/7'],
    [{ stripPrefix: '/orders' }, '/orders', '/'],
    [{ stripPrefix: '/orders' }, '/orders/', '/'],
    [{ stripPrefix: '/orders' }, '/orders?x', '/?x'],
    [{ stripPrefix: '/orders' }, '/ordersx', '/ordersx'],
    [{ stripPrefix: '/orders' }, '/orders//x', '//x'],
    [{ stripPrefix: '/orders' }, '/%6frders/%7e%3a?%7e', '/~%3A?%7e'],
    [{ stripPrefix: '/orders' }, '/other/%7e', '/other/%7e'],
    [{ stripPrefix: '/' }, '/orders/7', '/orders/7'],
    [{ replacePrefix: { from: '/a', to: '/b/c' } }, '/a/x?q', '/b/c/x?q'],
    [{ replacePrefix: { from: '/a/', to: '/b/' } }, '/a', '/b'],
    [{ replacePrefix: { from: '/a', to: '/' } }, '/a', '/'],
    [{ replacePrefix: { from: '/', to: '/v2' } }, '/', '/v2/'],
    [{ replacePrefix: { from: '/', to: '/v2' } }, '/a', '/v2/a'],
  ])('%j: %s becomes %s', (options, target, expected) => {
    expect(forwarded(options, { target })).toEqual([expected, 'example.com'])
  })
})

test('a template takes the parameters of the route', () => {
  const request = { target: '/u/7/o/a%2Fb?x=1', params: ['7', 'a%2Fb'] }
  expect(
    forwarded({ path: { texts: ['/orders/', '/of/', ''], names: ['params.order', 'params.user'] } }, request, [
      'user',
      'order',
    ])[0],
  ).toBe('/orders/a%2Fb/of/7?x=1')
})

test('a template with an unknown parameter is an error of the config', () => {
  expect(
    () => rewrite.compile({ path: { texts: ['/', ''], names: ['params.nope'] } }, featureContext(['id']))?.target,
  ).toThrow('{params.nope}')
})

describe('host', () => {
  test.each([
    ['preserve', 'shop.example.com:8080'],
    ['upstream', undefined],
    ['internal:81', 'internal:81'],
  ])('%s', (host, expected) => {
    const request = { target: '/a/b', host: 'shop.example.com:8080' }
    expect(forwarded({ stripPrefix: '/a', host }, request)).toEqual(['/b', expected])
  })

  test('alone leaves the target byte for byte', () => {
    expect(forwarded({ host: 'upstream' }, { target: '/%7e?%7e' })).toEqual(['/%7e?%7e', undefined])
  })
})

test('nothing to do costs nothing', () => {
  expect(rewrite.compile({ host: 'preserve' }, featureContext())?.target).toBeUndefined()
})

describe('X-Forwarded-Prefix', () => {
  const told = (options: RewriteOptions, target: string, headers: string[] = []): string[] => {
    const ex = routed({ target })
    ex.forwardHeaders = headers
    rewrite.compile(options, featureContext([]))?.target?.admit?.(ex)
    return ex.forwardHeaders
  }

  test.each<[RewriteOptions, string, string | undefined]>([
    [{ stripPrefix: '/a/b' }, '/a/b/x', '/a/b'],
    [{ stripPrefix: '/a/' }, '/a', '/a'],
    [{ stripPrefix: '/a' }, '/ab', undefined],
    [{ stripPrefix: '/' }, '/x', undefined],
    [{ replacePrefix: { from: '/a', to: '/' } }, '/a/x', '/a'],
    [{ replacePrefix: { from: '/a', to: '/b' } }, '/a/x', undefined],
    [{ path: '/y' }, '/a/x', undefined],
  ])('%j of %s: %s', (options, target, prefix) => {
    expect(told(options, target)).toEqual(prefix === undefined ? [] : ['x-forwarded-prefix', prefix])
  })

  test('stands behind what a trusted peer has stripped', () => {
    expect(told({ stripPrefix: '/a' }, '/a/x', ['y', '1', 'X-Forwarded-Prefix', '/outer'])).toEqual([
      ...['y', '1', 'X-Forwarded-Prefix', '/outer/a'],
    ])
    expect(told({ stripPrefix: '/a' }, '/a/x', ['x-forwarded-prefix', '/outer/'])).toEqual([
      ...['x-forwarded-prefix', '/outer/a'],
    ])
  })
})

test('routes that change nothing but what they do by default share one policy', () => {
  const compiled = (options: RewriteOptions) => rewrite.compile(options, featureContext())?.target
  expect(compiled({ redirects: 'own' })).toBe(compiled({ redirects: 'own' }))
  expect(compiled({ redirects: 'paths' })).not.toBe(compiled({ redirects: 'own' }))
  expect(compiled({ redirects: 'own', host: 'upstream' })).not.toBe(compiled({ redirects: 'own' }))
  expect(compiled({ redirects: 'own', cookies: { path: undefined, domain: undefined } })).not.toBe(
    compiled({ redirects: 'own' }),
  )
})
