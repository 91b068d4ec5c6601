import { describe, expect, test } from 'vitest'
import { FEATURES } from '../../../src/features/index.ts'
import type { Diagnostic } from '../../../src/schema/diagnostics.ts'
import { nodeOf } from '../../../src/schema/node.ts'
import { At, INVALID } from '../../../src/schema/schema.ts'

/** What the options of a policy are read as, or the first thing that is wrong with them. */
function read(policy: string, options: unknown): unknown {
  const definition = FEATURES.find(({ name }) => name === policy)
  const problems: Diagnostic[] = []
  const value = definition?.keys.route?.read(nodeOf(options), new At(problems, policy))
  if (value === INVALID) return `${problems[0]?.path}: ${problems[0]?.message}`
  expect(problems).toEqual([])
  return JSON.parse(JSON.stringify(value))
}

describe('good options', () => {
  test.each([
    ['rewrite', { stripPrefix: '/caf%c3%a9' }, { stripPrefix: '/caf%C3%A9', redirects: 'own' }],
    [
      'rewrite',
      { stripPrefix: '/%6frders', host: 'Internal:81', redirects: 'paths' },
      { stripPrefix: '/orders', host: 'internal:81', redirects: 'paths' },
    ],
    [
      'rewrite',
      { path: '/é/{id}', host: 'upstream', redirects: 'off' },
      { path: { texts: ['/%C3%A9/', ''], names: ['params.id'] }, host: 'upstream', redirects: undefined },
    ],
    ['rewrite', { host: '[::1]:80' }, { host: '[::1]:80', redirects: 'own' }],
    [
      'rewrite',
      { replacePrefix: { from: '/a', to: '/' } },
      { replacePrefix: { from: '/a', to: '/' }, redirects: 'own' },
    ],
    [
      'rewrite',
      {
        cookies: {
          path: { from: '/', to: '/a/' },
          domain: [
            { from: 'App.internal', to: 'off' },
            { from: 'b', to: 'c.com' },
          ],
        },
      },
      {
        redirects: 'own',
        cookies: {
          path: [{ from: '/', to: '/a/' }],
          domain: [
            { from: 'app.internal', to: undefined },
            { from: 'b', to: 'c.com' },
          ],
        },
      },
    ],
    [
      'headers',
      { request: { set: { 'X-A': '1.10', 'x-b': '' }, remove: ['x-debug'] }, response: { add: { 'x-c': 'é' } } },
      { request: { set: { 'X-A': '1.10', 'x-b': '' }, remove: ['x-debug'] }, response: { add: { 'x-c': 'é' } } },
    ],
    ['redirect', { scheme: 'https' }, { scheme: 'https', status: 302 }],
    [
      'redirect',
      { host: 'WWW.example.com', port: 8443, status: 308 },
      { host: 'www.example.com', port: 8443, status: 308 },
    ],
    ['respond', {}, { status: 200 }],
    ['respond', { status: 404, body: 'gone\n' }, { status: 404, body: 'gone\n' }],
    ['respond', { status: 204, headers: { 'x-a': 'b' } }, { status: 204, headers: { 'x-a': 'b' } }],
  ])('%s %j', (policy, options, expected) => {
    expect(read(policy, options)).toEqual(expected)
  })
})

describe('bad options', () => {
  test.each([
    ['rewrite', { stripPrefix: '/a', path: '/b' }, 'rewrite: only one of stripPrefix and path'],
    [
      'rewrite',
      { stripPrefix: 'a' },
      'rewrite.stripPrefix: "a" is not a path such as /orders: it must start with a slash',
    ],
    ['rewrite', { stripPrefix: '/a?b' }, 'a query'],
    ['rewrite', { stripPrefix: '/a b' }, 'space'],
    ['rewrite', { stripPrefix: '/%zz' }, 'percent-escape'],
    ['rewrite', { replacePrefix: { from: '/a', to: '/../b' } }, 'dot segment'],
    ['rewrite', { path: '/{' }, 'name in braces'],
    ['rewrite', { path: '/a\r\nX: y' }, 'space'],
    ['rewrite', { redirects: 'all' }, 'own, paths'],
    ['rewrite', { cookies: { domain: { from: 'a', to: 'b; Secure' } } }, 'host'],
    ['rewrite', { cookies: { path: { from: '/', to: '/a;b' } } }, 'semicolon'],
    ['rewrite', { host: 'a b' }, 'host'],
    ['rewrite', { host: 'a.com/evil' }, 'host'],
    ['rewrite', { host: 'a.com\r\nx: y' }, 'host'],
    ['headers', { request: { set: { Host: 'x' } } }, 'rewrite.host'],
    ['headers', { request: { add: { 'Transfer-Encoding': 'chunked' } } }, 'written by Sluice itself'],
    ['headers', { response: { remove: ['content-length'] } }, 'headers.response.remove[0]'],
    ['headers', { response: { set: { 'sluice-request-id': 'x' } } }, 'written by Sluice itself'],
    ['headers', { request: { set: { 'a b': 'x' } } }, 'field name'],
    ['headers', { request: { set: { 'x-a': 'b\r\nc: d' } } }, 'control character'],
    ['headers', { request: { set: { 'x-a': 'b\n' } } }, 'control character'],
    ['headers', { request: { set: { 'x-a': '1', 'X-A': '2' } } }, 'given twice'],
    ['headers', { requests: {} }, 'did you mean request?'],
    ['redirect', { status: 301 }, 'it leads to the same URL'],
    ['redirect', { path: '/a', replacePrefix: { from: '/a', to: '/b' } }, 'only one of'],
    ['redirect', { host: 'a.com', status: 304 }, 'one of 301'],
    ['redirect', { host: 'a.com:80' }, 'redirect.host'],
    ['redirect', { host: '//a.com' }, 'redirect.host'],
    ['redirect', { scheme: 'javascript' }, 'one of http, https'],
    ['redirect', { port: 0, host: 'a.com' }, 'whole number'],
    ['respond', { status: 101 }, '200 to 599'],
    ['respond', { status: 204, body: 'x' }, 'no body'],
    ['respond', { headers: { 'content-length': '3' } }, 'written by Sluice itself'],
  ])('%s %j', (policy, options, words) => {
    expect(read(policy, options)).toContain(words)
  })
})

test('features that answer in the place of an upstream', () => {
  expect(FEATURES.filter(({ answers }) => answers).map(({ name }) => name)).toEqual(['redirect', 'respond'])
})
