import { expect, test } from 'vitest'
import { websocket } from '../../../../src/features/websocket/feature.ts'
import { exchange } from '../../../kit/exchange.ts'
import { CompiledUse } from '../../../kit/feature.ts'

/** Whether a request with these values of Origin may go on; undefined: nothing is looked at. */
function admitted(origins: unknown, sent: readonly string[], upgrade: string | undefined = 'websocket'): boolean {
  const { origin } = new CompiledUse(websocket, { origins }).policies
  const ex = exchange(sent.flatMap((value) => ['Origin', value]))
  ex.upgrade = upgrade
  return origin?.admit?.(ex) === undefined
}

test.each([
  ['https://shop.example.com', 'https://shop.example.com', true],
  ['https://shop.example.com', 'HTTPS://Shop.Example.com', true],
  ['https://shop.example.com:443', 'https://shop.example.com', true],
  ['http://shop.example.com:80', 'http://shop.example.com', true],
  ['https://shop.example.com', 'http://shop.example.com', false],
  ['https://shop.example.com', 'https://shop.example.com:8443', false],
  ['https://shop.example.com:8443', 'https://shop.example.com:8443', true],
  ['https://shop.example.com', 'https://shop.example.com.evil.example', false],
  ['https://shop.example.com', 'https://evilshop.example.com', false],
  ['https://*.example.com', 'https://shop.example.com', true],
  ['https://*.example.com', 'https://a.b.example.com', true],
  ['https://*.example.com', 'https://example.com', false],
  ['https://*.example.com', 'https://.example.com', false],
  ['https://*.example.com', 'http://shop.example.com', false],
  ['https://*.example.com', 'https://shop.example.com:8443', false],
  ['https://*.example.com:8443', 'https://shop.example.com:8443', true],
  ['https://*.example.com', 'https://evil.example/.example.com', false],
  ['https://*.example.com', 'https://evil.example#.example.com', false],
  ['https://*.example.com', 'https://evil@shop.example.com', false],
  ['https://*.example.com', 'https://evilexample.com', false],
  ['*.example.com', 'http://shop.example.com:8080', true],
  ['*.example.com', 'shop.example.com', false],
  ['*.example.com', 'x://evil.example/?.example.com', false],
  ['shop.example.com', 'http://shop.example.com:8080', true],
  ['shop.example.com', 'https://example.com', false],
  ['[::1]', 'http://[::1]:3000', true],
  ['https://10.0.0.1', 'https://10.0.0.1', true],
  ['null', 'null', true],
  ['null', 'http://null', false],
  ['null', 'https://null:81', false],
  ['capacitor://localhost', 'capacitor://localhost', true],
  ['chrome-extension://abcdefghijklmnop', 'chrome-extension://abcdefghijklmnop', true],
  ['chrome-extension://abcdefghijklmnop', 'https://abcdefghijklmnop', false],
  ['https://shop.example.com', 'null', false],
  ['*.example.com', '', true],
])('%s and the origin %s: %s', (pattern, origin, may) => {
  expect(admitted(pattern, [origin])).toBe(may)
  expect(admitted(['https://other.example', pattern], [origin])).toBe(may)
})

test('two fields are no origin, none at all is no browser, other protocols and requests are left alone', () => {
  const allowed = 'https://a.example'
  expect(admitted(allowed, [allowed, allowed])).toBe(false)
  expect(admitted(allowed, [allowed, ''])).toBe(false)
  expect(admitted(allowed, [])).toBe(true)
  expect(admitted(allowed, ['https://b.example'], 'echo')).toBe(true)
  expect(new CompiledUse(websocket, {}).policies.origin).toBe(undefined)
})

test('a request without upgrade may come from anywhere', () => {
  const { origin } = new CompiledUse(websocket, { origins: 'https://a.example' }).policies
  expect(origin?.admit?.(exchange(['Origin', 'https://b.example']))).toBe(undefined)
})

test.each([
  ['*', 'for any origin leave the key out'],
  ['://a.example', 'an origin such as'],
  ['https://a.example/chat', 'ends behind the host'],
  ['https://a.*.example', 'whole labels at the start'],
  ['*a.example', 'whole labels at the start'],
  ['a.example:8443', 'write the scheme'],
  ['https://a..example', 'an origin such as'],
  ['https://', 'an origin such as'],
  ['https://a.example:99999', 'an origin such as'],
])('%s is refused: %s', (pattern, why) => {
  expect(() => new CompiledUse(websocket, { origins: pattern })).toThrow(why)
})
