import { expect, test } from 'vitest'
import { isOwn } from '../../../../../src/control/endpoints/finding/own.ts'

const interfaces = (): string[] => ['192.168.1.5', 'fe80::5']
const own = [
  { host: '127.0.0.1', port: 9901 },
  { host: '0.0.0.0', port: 9902 },
]

test.each([
  ['127.0.0.1', 9901, true],
  ['::ffff:127.0.0.1', 9901, true],
  ['0.0.0.0', 9901, true],
  ['127.0.0.1', 9900, false],
  ['127.0.0.2', 9901, false],
  ['192.168.1.5', 9901, false],
  ['192.168.1.5', 9902, true],
  ['127.9.9.9', 9902, true],
  ['::1', 9902, true],
  ['192.168.1.6', 9902, false],
])('%s:%i is ours: %s', (address, port, expected) => {
  expect(isOwn(address, port, own, interfaces)).toBe(expected)
})
