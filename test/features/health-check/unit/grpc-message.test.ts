import { expect, test } from 'vitest'
import { healthRequest, servingStatus } from '../../../../src/features/health-check/control/grpc-message.ts'

test('requests are frames around a HealthCheckRequest', () => {
  expect(healthRequest('').toString('hex')).toBe('0000000000')
  expect(healthRequest('a.B').toString('hex')).toBe('00000000050a03612e42')
  const long = healthRequest('x'.repeat(200))
  expect(long.subarray(0, 8).toString('hex')).toBe('00000000cb0ac801')
  expect(long.length).toBe(5 + 3 + 200)
})

test.each([
  ['00000000020801', 'SERVING'],
  ['00000000020802', 'NOT_SERVING'],
  ['00000000020803', 'SERVICE_UNKNOWN'],
  ['0000000000', 'UNKNOWN'],
  ['00000000020807', undefined],
  ['01000000020801', undefined],
  ['00000000030801', undefined],
  ['00000000021001', undefined],
  ['', undefined],
])('%s is %s', (hex, expected) => {
  expect(servingStatus(Buffer.from(hex, 'hex'))).toBe(expected)
})
