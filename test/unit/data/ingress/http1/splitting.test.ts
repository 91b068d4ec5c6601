import { expect, test } from 'vitest'
import { fuzzRequests, readingOf } from '../../../../fuzz/requests.ts'

test('wherever octets are cut, the same is read of them, and nothing that another server reads otherwise', async () => {
  const { cases, counts, differences } = await fuzzRequests({ cases: 3_000, seed: 20_261_130 })
  expect(differences).toEqual([])
  expect(counts.whole).toBeGreaterThan(cases / 3)
  expect(counts.refused).toBeGreaterThan(cases / 10)
})

test.each([
  ['chunked\t', 'transfer_encoding'],
  ['chunked \t', 'transfer_encoding'],
  ['chunked ', undefined],
  ['\tchunked', undefined],
])(
  'a tab behind a Transfer-Encoding is refused, as other servers take it for a part of the name: %j',
  (value, rule) => {
    const input = Buffer.from(`POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: ${value}\r\nX: 1\t\r\n\r\n0\r\n\r\n`)
    expect(readingOf(input, []).failure).toBe(rule)
    expect(readingOf(input, [60, 61]).failure).toBe(rule)
  },
)
