import { AnswerParser } from '../../src/data/upstreams/transports/http1-parser.ts'
import { cutsEvery } from './cuts.ts'

/** What a parser told about one answer; `end` and `failed` included, data joined to one event. */
export interface Outcome {
  readonly events: readonly (readonly string[])[]
  /** Octets behind the answer; 0 where it failed. */
  readonly left: number
  readonly persistent: boolean
}

/** Parses latin1 text in pieces of `piece` octets (or cut at the given places), then the end of the connection. */
export function parse(input: string, toHead = false, piece: number | readonly number[] = input.length): Outcome {
  return parseBy(new AnswerParser(), input, piece, toHead)
}

export function parseBy(
  parser: AnswerParser,
  input: string,
  piece: number | readonly number[],
  toHead = false,
): Outcome {
  const events: string[][] = []
  let data: string[] | undefined
  const tell = (...event: string[]): void => {
    data = undefined
    events.push(event)
  }
  parser.begin(
    {
      onInformational: (status, headers) => tell('informational', String(status), headers.join()),
      onHead: (status, headers) => tell('head', String(status), headers.join()),
      onTrailers: (headers) => tell('trailers', headers.join()),
      onData(chunk) {
        if (data === undefined) {
          data = ['data', '']
          events.push(data)
        }
        data[1] += chunk.toString('latin1')
      },
    },
    toHead,
  )
  const octets = Buffer.from(input, 'latin1')
  // One buffer for all pieces, as on the wire: what the parser keeps of a piece, it must have copied.
  const wire = Buffer.alloc(octets.length)
  const cuts = typeof piece === 'number' ? cutsEvery(Math.max(piece, 1), octets.length) : piece
  let at = 0
  let from = 0
  for (const cut of [...cuts, octets.length]) {
    octets.copy(wire, 0, from, cut)
    const taken = parser.feed(wire, 0, cut - from, false)
    at = from + taken
    wire.fill(0xff)
    if (parser.done || parser.failed) break
    from = cut
  }
  if (!parser.done && !parser.failed) parser.eof()
  tell(parser.failed ? 'failed' : parser.done ? 'end' : 'open')
  return { events, left: parser.failed ? 0 : octets.length - at, persistent: parser.done && parser.persistent }
}
