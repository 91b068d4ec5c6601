import { expect, test } from 'vitest'
import { BodyDecoder } from '../../../../../src/data/ingress/http1/body-decoder.ts'
import { RequestHead } from '../../../../../src/data/ingress/http1/request-head.ts'
import { seededRandom } from '../../../../../src/lib/random.ts'
import { inputOf } from '../../../../kit/http1-differential.ts'

const LIMITS = { headerBytes: 2_048, headerCount: 50, targetBytes: 512, connections: 1 }

/** Head and body as they were read; reading stops at the first failure. */
function readingOf(input: Buffer, size: number): unknown[] {
  const head = new RequestHead(LIMITS)
  const body = new BodyDecoder(LIMITS)
  const parts: Buffer[] = []
  const sink = { onPart: (part: Buffer) => void parts.push(Buffer.from(part)) }
  let chunked = false
  for (let from = 0; from < input.length; from += size) {
    // A buffer of its own, as reads of a socket are.
    const piece = Buffer.from(input.subarray(from, from + size))
    let at = 0
    if (!head.done && head.failure === undefined) {
      at = head.read(piece, 0, piece.length)
      if (head.done) {
        chunked = head.rawHeaders.some((text) => text.toLowerCase() === 'chunked')
        if (chunked) body.begin(-1)
      }
    }
    if (chunked && at < piece.length) body.read(piece, at, piece.length, sink)
  }
  const { done, failure, method, rawHeaders, url } = head
  // What the log is told of a head that is too large depends on what had come of it.
  if (failure !== undefined) return [done, failure.rule]
  const rest = chunked ? [Buffer.concat(parts).toString('latin1'), body.done, body.failure, body.trailers] : []
  return [done, undefined, method, url, rawHeaders, ...rest]
}

test('wherever octets are cut, the same is read of them', () => {
  const random = seededRandom(20_261_130)
  const outcomes = { whole: 0, refused: 0 }
  for (let i = 0; i < 3_000; i++) {
    const input = Buffer.from(inputOf(random), 'latin1').subarray(0, 4_096)
    const whole = readingOf(input, input.length)
    if (whole[0] === true) outcomes.whole++
    if (whole[1] !== undefined) outcomes.refused++
    for (const size of [1, 2, 7])
      expect(readingOf(input, size), JSON.stringify(input.toString('latin1'))).toEqual(whole)
  }
  expect(outcomes.whole).toBeGreaterThan(1_000)
  expect(outcomes.refused).toBeGreaterThan(200)
})
