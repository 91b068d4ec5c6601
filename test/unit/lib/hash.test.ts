import { expect, test } from 'vitest'
import { mix32, murmur3 } from '../../../src/lib/hash.ts'

test.each([
  ['', 0, 0],
  ['', 1, 0x514e28b7],
  ['', 0xffffffff, 0x81f16f39],
  ['\0\0\0\0', 0, 0x2362f9de],
  ['\xff\xff\xff\xff', 0, 0x76293b50],
  ['\x21\x43\x65\x87', 0, 0xf55b516b],
  ['\x21\x43\x65\x87', 0x5082edee, 0x2362f9de],
  ['\x21\x43\x65', 0, 0x7e4a8634],
  ['\x21\x43', 0, 0xa0f7b07a],
  ['\x21', 0, 0x72661cf4],
  ['aaaa', 0x9747b28c, 0x5a97808a],
  ['abc', 0, 0xb3dd93fa],
  ['Hello, world!', 0x9747b28c, 0x24884cba],
  ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
])('murmur3 of %j with seed %i', (text, seed, hash) => {
  expect(murmur3(text, seed).toString(16)).toBe(hash.toString(16))
})

test('mix32 keeps integers apart and spreads neighbours over the range', () => {
  const mixed = Array.from({ length: 4096 }, (_, i) => mix32(i))
  expect(new Set(mixed).size).toBe(4096)
  const buckets = new Array(16).fill(0)
  for (const hash of mixed) buckets[hash >>> 28]++
  for (const count of buckets) expect(Math.abs(count - 256)).toBeLessThan(80)
})
