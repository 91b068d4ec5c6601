import { describe, expect, test } from 'vitest'
import type { TransportRequest } from '../../../../../src/core/transport.ts'
import { requestHead } from '../../../../../src/data/upstreams/transports/http1-request-head.ts'

const head = (changes: Partial<TransportRequest>): string | undefined =>
  requestHead({ method: 'GET', target: '/', authority: 'a.test', headers: [], contentLength: 0, ...changes })

test('Host first, then the fields as given, then the framing', () => {
  expect(head({ headers: ['X-B', '1', 'x-a', '', 'X-B', 'caf\xe9\t!'] })).toBe(
    'GET / HTTP/1.1\r\nhost: a.test\r\nX-B: 1\r\nx-a: \r\nX-B: caf\xe9\t!\r\n\r\n',
  )
  expect(head({ method: 'DELETE', contentLength: 7 })).toMatch(/\r\ncontent-length: 7\r\n\r\n$/)
  expect(head({ method: 'GET', contentLength: -1 })).toMatch(/\r\ntransfer-encoding: chunked\r\n\r\n$/)
  expect(head({ headers: ['te', 'trailers'] })).toMatch(/\r\nte: trailers\r\nconnection: te\r\n\r\n$/)
})

test('a protocol to change to is an option of the connection', () => {
  expect(head({ headers: ['x-a', '1'], upgrade: 'websocket' })).toBe(
    'GET / HTTP/1.1\r\nhost: a.test\r\nx-a: 1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
  )
})

test.each(['POST', 'PUT', 'PATCH'])('%s without body says so', (method) => {
  expect(head({ method })).toMatch(/\r\ncontent-length: 0\r\n\r\n$/)
})

describe('refused', () => {
  test.each<[name: string, changes: Partial<TransportRequest>]>([
    ['CRLF in a value', { headers: ['x', 'a\r\ny: b'] }],
    ['an empty line in a value', { headers: ['x', 'a\r\n\r\nGET /'] }],
    ['bare LF in a value', { headers: ['x', 'a\nb'] }],
    ['bare CR in a value', { headers: ['x', 'a\rb'] }],
    ['CR at the end of a value', { headers: ['x', 'a\r'] }],
    ['NUL in a value', { headers: ['x', 'a\0b'] }],
    ['what latin1 would cut down to a line feed', { headers: ['x', 'a\u010ab'] }],
    ['CRLF in a name', { headers: ['x: a\r\ny', 'b'] }],
    ['Host', { headers: ['HOST', 'b.test'] }],
    ['Connection', { headers: ['Connection', 'close'] }],
    ['Content-Length', { headers: ['content-LENGTH', '5'] }],
    ['Transfer-Encoding', { headers: ['Transfer-Encoding', 'chunked'] }],
    ['blank in the target', { target: '/a b' }],
    ['tab in the target', { target: '/a\tb' }],
    ['CRLF in the target', { target: '/ HTTP/1.1\r\nx: y\r\n\r\n' }],
    ['no target', { target: '' }],
    ['CRLF in the method', { method: 'GET / HTTP/1.1\r\n\r\nGET' }],
    ['CRLF in the authority', { authority: 'a\r\nx: y' }],
  ])('%s', (_name, changes) => {
    expect(head(changes)).toBeUndefined()
  })
})
