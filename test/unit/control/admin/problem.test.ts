import { expect, test } from 'vitest'
import { unreadAnswer } from '../../../../src/control/admin/problem.ts'

test.each([
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['HPE_INVALID_METHOD', '400 Bad Request'],
])('%s is answered with %s, whole and for the last time', (code, status) => {
  const [head = '', body = ''] = unreadAnswer(code, { 'x-frame-options': 'DENY' }).split('\r\n\r\n')
  expect(head.split('\r\n')).toEqual([
    `HTTP/1.1 ${status}`,
    'x-frame-options: DENY',
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ])
  expect(JSON.parse(body)).toMatchObject({ type: 'urn:sluice:admin:bad_request', status: Number(status.slice(0, 3)) })
})
