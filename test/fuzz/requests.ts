import { isDeepStrictEqual } from 'node:util'
import { BodyDecoder } from '../../src/data/ingress/http1/body-decoder.ts'
import { RequestHead } from '../../src/data/ingress/http1/request-head.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { cutsEvery } from '../kit/cuts.ts'
import type { FuzzOptions, FuzzResult } from './fuzz.ts'
import { RequestInputs } from './request-inputs.ts'

const LIMITS = { headerBytes: 2_048, headerCount: 50, targetBytes: 512, connections: 1 }
const MOST_OCTETS = 4_096

/** Besides where the input itself is cut: pieces of so many octets. */
const PIECES = [1, 2, 7]

const SIZES = ['target_bytes', 'header_bytes']

/** What may stand in a request that is passed on; all else would be read otherwise by another server. */
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const TARGET = /^[\x21-\x7e]+$/
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/

/** The parser of requests alone: wherever octets are cut, the same is read of them, and nothing that may not be passed on. */
export async function fuzzRequests({ cases, progress, seed }: FuzzOptions): Promise<FuzzResult> {
  const inputs = new RequestInputs(seededRandom(seed))
  const counts = { whole: 0, refused: 0, 'not ended': 0 }
  const differences: unknown[] = []
  for (let i = 0; i < cases; i++) {
    const { cuts, text } = inputs.next()
    const input = Buffer.from(text, 'latin1').subarray(0, MOST_OCTETS)
    const whole = readingOf(input, [])
    counts[whole.failure !== undefined ? 'refused' : whole.head ? 'whole' : 'not ended']++
    const readings = [cuts, ...PIECES.map((size) => cutsEvery(size, input.length))].map((places) =>
      readingOf(input, places),
    )
    const other = readings.find((reading) => !isDeepStrictEqual(likewise(reading, whole), whole))
    if (other !== undefined || !passable(whole)) differences.push({ text, cuts, whole, other })
    if (i % 1_000 === 0) progress?.(i)
  }
  return { cases, counts, differences }
}

/** Head and body as they were read; reading stops at the first failure. */
export interface Reading {
  /** The head is whole. */
  readonly head: boolean
  /** The rule that it breaks. */
  readonly failure: string | undefined
  readonly method: string
  readonly target: string
  readonly fields: readonly string[]
  readonly body: string
  readonly bodyEnded: boolean
  readonly trailers: readonly string[]
}

/** `cuts`: where the input is cut. */
export function readingOf(input: Buffer, cuts: readonly number[]): Reading {
  const head = new RequestHead(LIMITS)
  const body = new BodyDecoder(LIMITS)
  const parts: Buffer[] = []
  const sink = { onPart: (part: Buffer) => void parts.push(Buffer.from(part)) }
  let chunked = false
  let from = 0
  for (const cut of [...cuts, input.length]) {
    // A buffer of its own, as reads of a socket are.
    const piece = Buffer.from(input.subarray(from, cut))
    from = cut
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
  const failure = (head.failure ?? body.failure)?.rule
  // What the log is told of a head that is refused depends on what had come of it.
  const told = head.failure === undefined
  return {
    head: head.done,
    failure,
    method: told ? head.method : '',
    target: told ? head.url : '',
    fields: told ? [...head.rawHeaders] : [],
    body: Buffer.concat(parts).toString('latin1'),
    bodyEnded: chunked && body.done,
    trailers: chunked ? [...body.trailers] : [],
  }
}

/** Of a head that is both too long and broken, how it was cut decides which of the two is seen first. */
function likewise(reading: Reading, whole: Reading): Reading {
  const { failure } = reading
  const alike = SIZES.some((rule) => rule === failure || rule === whole.failure)
  return alike && failure !== undefined && whole.failure !== undefined
    ? { ...reading, failure: whole.failure }
    : reading
}

function passable({ fields, head, method, target, trailers }: Reading): boolean {
  if (!head) return true
  const sound = (texts: readonly string[]): boolean =>
    texts.every((text, i) => (i % 2 === 0 ? METHOD : VALUE).test(text))
  return METHOD.test(method) && TARGET.test(target) && sound(fields) && sound(trailers)
}
