import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../../../src/lib/random.ts'
import { type Outcome, parse } from '../../../../kit/http1-answers.ts'

const SEED = 20_261_124
const CASES = 6000

const OK = 'HTTP/1.1 200 OK\r\n'

const ANSWERS = [
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
  ...['\r', '\n', '\r\n', '\r\n\r\n', '\n\n', ' ', '\t', ':', ';', ',', '"', '\\', '=', '\0', '\x7f', '\x80', '\xff'],
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
  ...[
    'Content-Length: 5\r\n',
    'Content-Length:5 \t\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip\r\n',
  ],
  ...[
    'Connection: upgrade\r\nUpgrade: x\r\n',
    'Connection: close\r\n',
    'Keep-Alive: timeout=1\r\n',
    ' folded\r\n',
    '5\r\nhello\r\n',
  ],
]

const random = seededRandom(SEED)
const below = (n: number): number => Math.floor(random.float() * n)
const one = <T>(list: readonly T[]): T => list[below(list.length)] as T

/** A good answer with one to three faults, or with none. */
function answer(): string {
  let text = one(ANSWERS)
  for (let faults = below(4); faults > 0; faults--) {
    const from = below(text.length + 1)
    const to = Math.min(text.length, from + below(below(2) === 0 ? 3 : 30))
    const [before, cut, after] = [text.slice(0, from), text.slice(from, to), text.slice(to)]
    text = one([
      () => before + one(PIECES) + text.slice(from),
      () => before + one(PIECES) + after,
      () => before + after,
      () => before + cut + cut + after,
      () => before + text.slice(from).toLowerCase(),
      () => before + one(ANSWERS).slice(below(20)),
      () => before,
    ])()
  }
  return text
}

/** What was told of a broken answer may end sooner where head and fault come together: nothing of it is told then. */
function sameUpTo(pieces: Outcome, whole: Outcome): Outcome {
  const failed = whole.events.at(-1)?.[0] === 'failed' && pieces.events.at(-1)?.[0] === 'failed'
  if (!failed || whole.events.some(([name]) => name === 'head')) return pieces
  return { ...pieces, events: [...pieces.events.slice(0, whole.events.length - 1), ['failed']] }
}

function cuts(length: number): number[] {
  return Array.from({ length: 1 + below(6) }, () => below(length + 1)).sort((a, b) => a - b)
}

test('however an answer is cut, good or bad, the events are the same', () => {
  const ends = new Map<string, number>()
  for (let i = 0; i < CASES; i++) {
    const input = answer()
    const toHead = below(5) === 0
    const whole = parse(input, toHead)
    const what = JSON.stringify(input)
    const cut = [1, cuts(input.length)].map((piece) => parse(input, toHead, piece))
    for (const pieces of cut) expect(sameUpTo(pieces, whole), what).toEqual(whole)
    const end = (whole.events.at(-1) as string[])[0] as string
    ends.set(end, (ends.get(end) ?? 0) + 1)
  }
  // The cases are worth something only if many of them end in each way.
  for (const end of ['end', 'failed', 'open']) expect(ends.get(end), end).toBeGreaterThan(CASES / 20)
})

test.each(ANSWERS)('every place to cut %j once', (input) => {
  const whole = parse(input)
  for (let at = 0; at <= input.length; at++) expect(parse(input, false, [at])).toEqual(whole)
})

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

/** Node's strict parser takes no blanks around chunk extensions, which RFC 9112 allows, nor behind sizes. */
function padsChunks(input: string): boolean {
  return /chunked/i.test(input) && /\n[0-9a-f]+(?:[ \t]|;[^\r]*[ \t])/i.test(input)
}

/** Another exception: behind a 1xx that says the connection will close, Node's parser expects nothing more. */
function closedEarly(input: string, persistent: boolean): boolean {
  return !persistent && /HTTP\/1\.. 1\d\d/.test(input)
}

/** Node's parser takes framing in 1xx and trailers for that of the answer; RFC 9110 section 6.5.1 has it ignored. */
function framesNothing({ events }: ReturnType<typeof parse>): boolean {
  return events.some(
    ([name, ...rest]) =>
      (name === 'informational' || name === 'trailers') && /content-length,|transfer-encoding,/i.test(rest.join()),
  )
}

test("what we accept, Node's strict parser accepts, with the same head, body and trailers", async () => {
  let accepted = 0
  for (let i = 0; i < CASES; i++) {
    const input = answer()
    const toHead = below(5) === 0
    const ours = parse(input, toHead)
    if (ours.events.at(-1)?.[0] !== 'end' || closedEarly(input, ours.persistent) || padsChunks(input)) continue
    if (framesNothing(ours)) continue
    accepted++
    const taken = input.slice(0, input.length - ours.left)
    expect(await nodeParse(taken, toHead), JSON.stringify(taken)).toEqual(ours.events)
  }
  expect(accepted).toBeGreaterThan(CASES / 4)
})
