import { expect, test } from 'vitest'
import { BodyDecoder } from '../../../../../src/data/ingress/http1/body-decoder.ts'
import { RequestHead } from '../../../../../src/data/ingress/http1/request-head.ts'
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

test.each(['\0garbage\r\n\r\n', 'GET / HTTP/1.1\r\n\0: 1\r\n\r\n', `GET /${'x'.repeat(4_000)}`])(
  'a head or a body that failed takes all that comes, so that none who reads on stands still: %j',
  (text) => {
    const limits = { headerBytes: 1_000, headerCount: 50, targetBytes: 1_000, connections: 1 }
    const input = Buffer.from(text)
    for (const cut of [0, 1, 2, 20]) {
      const head = new RequestHead(limits)
      const body = new BodyDecoder(limits)
      body.begin(-1)
      const sink = { onPart: () => expect.unreachable() }
      if (cut > 0) {
        head.read(input, 0, cut)
        body.read(input, 0, cut, sink)
      }
      for (let i = 0; i < 3; i++) {
        expect([head.read(input, cut, input.length), body.read(input, cut, input.length, sink)]).toEqual([
          input.length,
          input.length,
        ])
        expect([head.failure !== undefined, body.failure !== undefined]).toEqual([true, true])
      }
    }
  },
)
