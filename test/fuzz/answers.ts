import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { Duplex } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
import { type Random, seededRandom } from '../../src/lib/random.ts'
import { type Outcome, parse } from '../kit/http1-answers.ts'
import { pick } from '../kit/malformed.ts'
import type { FuzzOptions, FuzzResult } from './fuzz.ts'
import { CODINGS, EXTENSIONS, LENGTHS } from './request-inputs.ts'

const OK = 'HTTP/1.1 200 OK\r\n'

export const ANSWERS: readonly string[] = [
  `${OK}Content-Length: 5\r\n\r\nhello`,
  `${OK}Server: x\r\nContent-Length: 12\r\nConnection: keep-alive\r\nX-A:  b c \r\n\r\nhello, world`,
  `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`,
  `${OK}Transfer-Encoding: chunked\r\n\r\n2 ; a = "b"\t\r\nhi\r\n0 \r\n\r\n`,
  `${OK}Transfer-Encoding: chunked\r\nTrailer: x\r\n\r\n3;a=b;c="d e"\r\nabc\r\n0;z\r\nx: 1\r\nY:\r\n\r\n`,
  `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
  'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
  `${OK}Date: now\r\nConnection: close\r\n\r\nuntil the connection closes`,
  'HTTP/1.1 204 No Content\r\nX: y\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 7\r\n\r\n',
]

const PIECES = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\n\n',
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '"',
    '\\',
    '=',
    '\0',
    '\x0b',
    '\x7f',
    '\x80',
    '\xff',
  ],
  ...[
    '0',
    '1',
    '5',
    'a',
    'F',
    '-',
    '+',
    '0x',
    '00000',
    '9007199254740993',
    'ffffffffffffff',
    '(',
    'HTTP/1.1 200 OK\r\n',
  ],
  ...['HTTP/1.1 99 X\r\n', 'HTTP/1.1 1000 X\r\n', 'HTTP/2.0 200 OK\r\n', 'HTTP/1.2 200 OK\r\n', 'ICY 200 OK\r\n'],
  ...[
    'Content-Length:5 \t\r\n',
    'Content-Length : 5\r\n',
    'Transfer-Encoding: gzip\r\n',
    'Transfer-Encoding : chunked\r\n',
  ],
  ...['Connection: upgrade\r\nUpgrade: x\r\n', 'Connection: close\r\n', 'Keep-Alive: timeout=1\r\n', 'X\xe9: 1\r\n'],
  ...[' folded\r\n', '\tfolded\r\n', ': x\r\n', 'X\r\n', '5\r\nhello\r\n', '-1\r\n', '0\r\n\r\n'],
  ...LENGTHS.map((value) => `Content-Length: ${value}\r\n`),
  ...CODINGS.map((value) => `Transfer-Encoding: ${value}\r\n`),
  ...EXTENSIONS.map((text) => `1${text}\r\na\r\n`),
]

const below = (random: Random, n: number): number => Math.floor(random.float() * n)

/** A good answer with one to three faults, or with none. */
function answerOf(random: Random): string {
  let text = pick(random, ANSWERS)
  for (let faults = below(random, 4); faults > 0; faults--) {
    const from = below(random, text.length + 1)
    const to = Math.min(text.length, from + below(random, below(random, 2) === 0 ? 3 : 30))
    const [before, cut, after] = [text.slice(0, from), text.slice(from, to), text.slice(to)]
    const line = text.indexOf('\n', from) + 1
    text = pick(random, [
      () => before + pick(random, PIECES) + text.slice(from),
      () => text.slice(0, line) + pick(random, PIECES) + text.slice(line),
      () => before + pick(random, PIECES) + after,
      () => before + after,
      () => before + cut + cut + after,
      () => before + text.slice(from).toLowerCase(),
      () => before + pick(random, ANSWERS).slice(below(random, 20)),
      () => before + String.fromCharCode(below(random, 256)) + text.slice(from + 1),
      () => before,
    ])()
  }
  return text
}

/** Why node:http's client may refuse an answer that ours takes, or read it otherwise: all that there is. */
const ALLOWED = {
  blanks: {
    why: 'node:http takes no blanks around chunk extensions, which RFC 9112 allows, nor behind sizes',
    fits: (input) => /chunked/i.test(input) && /\n[0-9a-f]+(?:[ \t]|;[^\r]*[ \t])/i.test(input),
  },
  closing: {
    why: 'behind a 1xx that says the connection will close, node:http expects nothing more',
    fits: (input, { persistent }) => !persistent && /HTTP\/1\.. 1\d\d/.test(input),
  },
  framing: {
    why: 'node:http takes framing in 1xx and in trailers for that of the answer; it is to be ignored (RFC 9110, section 6.5.1)',
    fits: (_, { events }) =>
      events.some(
        ([name, ...rest]) =>
          (name === 'informational' || name === 'trailers') && /content-length,|transfer-encoding,/i.test(rest.join()),
      ),
  },
} as const satisfies Record<string, { why: string; fits: (input: string, outcome: Outcome) => boolean }>

const REASONS = Object.entries(ALLOWED)
const BATCH = 32

/**
 * The parser of answers: wherever octets are cut, the events are the same, and what it takes node:http's client takes, with
 * the same head, body and trailers.
 */
export async function fuzzAnswers({ cases, progress, seed }: FuzzOptions): Promise<FuzzResult> {
  const random = seededRandom(seed)
  const counts: Record<string, number> = { whole: 0, refused: 0, 'not ended': 0, 'as node:http': 0 }
  for (const [name] of REASONS) counts[`allowed: ${name}`] = 0
  const differences: unknown[] = []
  for (let done = 0; done < cases; done += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, cases - done) }, () => ({
      input: answerOf(random),
      toHead: below(random, 5) === 0,
    }))
    await Promise.all(
      batch.map(async ({ input, toHead }) => {
        const whole = parse(input, toHead)
        const end = whole.events.at(-1)?.[0] as string
        counts[ENDS[end] as string]!++
        for (const piece of [1, cutsOf(random, input.length)]) {
          const pieces = parse(input, toHead, piece)
          if (!isDeepStrictEqual(sameUpTo(pieces, whole), whole))
            differences.push({ input, toHead, piece, whole, pieces })
        }
        if (end !== 'end') return
        const taken = input.slice(0, input.length - whole.left)
        const theirs = await nodeParse(taken, toHead)
        if (isDeepStrictEqual(theirs, whole.events)) counts['as node:http']!++
        else {
          const reason = REASONS.find(([, { fits }]) => fits(input, whole))?.[0]
          if (reason === undefined) differences.push({ input, toHead, whole, theirs })
          else counts[`allowed: ${reason}`]!++
        }
      }),
    )
    progress?.(done)
  }
  return { cases, counts, differences }
}

const ENDS: Readonly<Record<string, string>> = { end: 'whole', failed: 'refused', open: 'not ended' }

/** What was told of a broken answer may end sooner where head and fault come together: nothing of it is told then. */
function sameUpTo(pieces: Outcome, whole: Outcome): Outcome {
  const failed = whole.events.at(-1)?.[0] === 'failed' && pieces.events.at(-1)?.[0] === 'failed'
  if (!failed || whole.events.some(([name]) => name === 'head')) return pieces
  return { ...pieces, events: [...pieces.events.slice(0, whole.events.length - 1), ['failed']] }
}

function cutsOf(random: Random, length: number): number[] {
  return Array.from({ length: 1 + below(random, 6) }, () => below(random, length + 1)).sort((a, b) => a - b)
}

/** Bytes in memory in place of a socket. */
class Wire extends Duplex {
  private readonly bytes: Buffer

  constructor(bytes: Buffer) {
    super()
    this.bytes = bytes
  }

  override _read(): void {}

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    if (!this.readableEnded) {
      this.push(this.bytes)
      this.push(null)
    }
    done()
  }

  setKeepAlive(): this {
    return this
  }
}

/** The same answer through Node's own client, with its strict parser. */
function nodeParse(input: string, toHead: boolean): Promise<readonly (readonly string[])[]> {
  return new Promise((resolve) => {
    const events: string[][] = []
    const finish = (event: string): void => {
      events.push([event])
      resolve(events)
    }
    const client: ClientRequest = request({
      method: toHead ? 'HEAD' : 'GET',
      // Bounds of ours: Node's are smaller.
      maxHeaderSize: 1 << 20,
      insecureHTTPParser: false,
      createConnection: () => new Wire(Buffer.from(input, 'latin1')),
    })
    client.on('information', ({ statusCode, rawHeaders }) => {
      if (statusCode !== 100) events.push(['informational', String(statusCode), rawHeaders.join()])
    })
    client.on('upgrade', () => finish('upgrade'))
    client.on('error', () => finish('failed'))
    client.on('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = []
      events.push(['head', String(response.statusCode), response.rawHeaders.join()])
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => finish('failed'))
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString('latin1')
        if (body !== '') events.push(['data', body])
        if (response.rawTrailers.length > 0) events.push(['trailers', response.rawTrailers.join()])
        finish(response.complete ? 'end' : 'open')
      })
    })
    client.end()
  })
}
