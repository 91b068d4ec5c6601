import { once } from 'node:events'
import { METHODS } from 'node:http'
import { connect } from 'node:net'
import type { FlatHeaders } from '../../src/lib/headers.ts'
import { type Random, seededRandom } from '../../src/lib/random.ts'
import { answerWhole, type Gate, gate, type Handled, type Http1 } from './ingress.ts'
import { BROKEN_CHUNKS, HEAD_FAULTS, pick, request } from './malformed.ts'

/** Why our own server may take a request that node:http does not: all that there is. */
export const ALLOWED = {
  method: 'node:http refuses methods that it does not know; they are the affair of who answers (RFC 9110, section 9.1)',
  upgrade: 'node:http drops what it has read behind an offer to upgrade, and closes',
  proxyConnection: 'node:http takes Proxy-Connection for Connection; it is no field of HTTP (RFC 9112, appendix C.2.2)',
  expect: 'node:http stands still at a body that is pipelined behind a request without one that expects 100 Continue',
} as const

const FIELDS: readonly string[] = [
  ...['0', '3', '03', '+3', '-3', '3 ', '3,3', '0x3', '3;', '', '9007199254740993'].map((n) => `Content-Length: ${n}`),
  ...[
    'chunked',
    'Chunked',
    ' chunked ',
    'chunked,',
    ',chunked',
    'gzip, chunked',
    'chunked, chunked',
    'identity',
    '"chunked"',
  ].map((coding) => `Transfer-Encoding: ${coding}`),
  ...[
    'Transfer-Encoding : chunked',
    'Transfer_Encoding: chunked',
    'Content-Length\t: 3',
    'Transfer-Encoding:\tchunked',
  ],
  ...['a', 'b', '', 'a:1', 'a:', 'a b', '[::1]', 'a/b', 'u@a', 'a,b', 'A.', '\xff'].map((host) => `Host: ${host}`),
  ...['close', 'keep-alive', 'Close, x', 'upgrade', 'keep-alive, close', 'transfer-encoding'].map(
    (c) => `Connection: ${c}`,
  ),
  ...[
    'Upgrade: h2c',
    'Expect: 100-continue',
    'Expect: x',
    ' folded',
    '\tfolded',
    'X',
    ': x',
    'X: \0',
    'X: \x0b',
    'X\xe9: 1',
    'X: a\rb',
    'X:',
  ],
  ...['X: "a\\"', "a!#$%&'*+-.^_`|~: 1", 'Trailer: X', 'TE: trailers', 'Keep-Alive: x', 'Proxy-Connection: close'],
]
const OCTETS = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  ';',
  ',',
  '"',
  '\x7f',
  '\x80',
  '\xff',
  '0',
  'a',
  '/',
  '\x0b',
  '\\',
]
const CHUNKS: readonly string[] = [
  ...[
    '3\r\nabc\r\n',
    '3;a\r\nabc\r\n',
    '3;a=b\r\nabc\r\n',
    '3;a="b;c"\r\nabc\r\n',
    '3 \r\nabc\r\n',
    '3 ;a\r\nabc\r\n',
    '3; a\r\nabc\r\n',
  ],
  ...[
    '03\r\nabc\r\n',
    '3;\r\nabc\r\n',
    '3;a=\r\nabc\r\n',
    '3;a="\r\nabc\r\n',
    '3;a="b\r\nabc\r\n',
    '3\nabc\r\n',
    'A\r\n0123456789\r\n',
    '3;;a\r\nabc\r\n',
  ],
  ...BROKEN_CHUNKS,
]
const ENDS = [
  '0\r\n\r\n',
  '0\r\nX: 1\r\n\r\n',
  '0;a\r\n\r\n',
  '00\r\n\r\n',
  '0\r\nX : 1\r\n\r\n',
  '0\n\n',
  '0\r\n\n',
  '0\r\n X: 1\r\n\r\n',
  '',
]
const LINES = [
  'GET / HTTP/1.1',
  'GET /a?b HTTP/1.1',
  'HEAD / HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'GET http://a/x HTTP/1.1',
  'GET / HTTP/1.0',
]
const POSTS = ['POST / HTTP/1.1', 'PUT /x HTTP/1.1', 'POST / HTTP/1.0', 'PATCH http://b:1 HTTP/1.1', 'GET / HTTP/1.1']

/** What one connection sends: requests, most of them broken somewhere. */
export function inputOf(random: Random): string {
  let text = ''
  for (let left = 1 + Math.floor(random.float() * 3); left > 0; left--) text += one(random)
  for (let left = Math.floor(random.float() ** 2 * 3); left > 0; left--) text = mutated(random, text)
  return text
}

function one(random: Random): string {
  const kind = random.float()
  const fields = random.float() < 0.9 ? ['Host: a'] : []
  while (random.float() < 0.35) fields.splice(Math.floor(random.float() * (fields.length + 1)), 0, pick(random, FIELDS))
  if (kind < 0.1)
    return pick(
      random,
      HEAD_FAULTS.filter((_, i) => i !== HEAD_FAULTS.length - 2),
    )(random)
  if (kind < 0.4) return request(pick(random, LINES), fields)
  if (kind < 0.65) return request(pick(random, POSTS), [...fields, 'Content-Length: 3'], 'abc')
  let body = ''
  while (random.float() < 0.6) body += pick(random, CHUNKS)
  return request(pick(random, POSTS), [...fields, 'Transfer-Encoding: chunked'], body + pick(random, ENDS))
}

function mutated(random: Random, text: string): string {
  const at = Math.floor(random.float() * (text.length + 1))
  const kind = random.float()
  if (kind < 0.4) return text.slice(0, at) + pick(random, OCTETS) + text.slice(at)
  if (kind < 0.6) return text.slice(0, at) + text.slice(at + 1)
  if (kind < 0.8) return text.slice(0, at) + pick(random, OCTETS) + text.slice(at + 1)
  if (kind < 0.9) return text.slice(0, at)
  const line = text.lastIndexOf('\r\n', at)
  return line === -1 ? text : `${text.slice(0, line)}\r\n${pick(random, FIELDS)}${text.slice(line)}`
}

/** A request that a server took for whole. */
interface Taken {
  readonly method: string
  readonly text: string
  readonly headers: FlatHeaders
}

export interface Difference {
  readonly input: string
  readonly own: readonly string[]
  readonly node: readonly string[]
}

export interface DifferentialResult {
  readonly cases: number
  /** Requests that were taken by both. */
  readonly same: number
  readonly allowed: Record<keyof typeof ALLOWED, number>
  /** Refused by our own server only: stricter, which is allowed. */
  readonly stricter: number
  /** What must not be. */
  readonly differences: readonly Difference[]
}

const AT_ONCE = 24
const SETTLE_MS = 100

/** Both servers over the same bytes. */
export async function differential(cases: number, seed: number): Promise<DifferentialResult> {
  const random = seededRandom(seed)
  const [own, node] = [await Server.start('own'), await Server.start('node')]
  const result = {
    cases,
    same: 0,
    allowed: { method: 0, upgrade: 0, proxyConnection: 0, expect: 0 },
    stricter: 0,
    differences: [] as Difference[],
  }
  for (let done = 0; done < cases; done += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, cases - done) }, async () => {
        const input = inputOf(random)
        const cut = random.float() < 0.3 ? Math.floor(random.float() * input.length) : 0
        const [ours, theirs] = await Promise.all([own.take(input, cut), node.take(input, cut)])
        if (judge(ours, theirs, result)) return
        // The end of the input may have come before the turn of a request: once more, with time in between.
        const again = await Promise.all([own.take(input, cut, SETTLE_MS), node.take(input, cut, SETTLE_MS)])
        if (!judge(...again, result)) result.differences.push({ input, own: texts(again[0]), node: texts(again[1]) })
      }),
    )
  }
  await Promise.all([own.stop(), node.stop()])
  return result
}

type Counts = Pick<DifferentialResult, 'allowed'> & { same: number; stricter: number; differences: Difference[] }

/** False: ours took what node:http refused, for no reason that is listed. */
function judge(ours: readonly Taken[], theirs: readonly Taken[], result: Counts): boolean {
  for (const [i, taken] of ours.entries()) {
    if (taken.text === theirs[i]?.text) {
      result.same++
      continue
    }
    // All behind it differs for the same reason.
    if (!METHODS.includes(taken.method)) result.allowed.method++
    else if (ours.slice(0, i).some(({ headers }) => has(headers, 'upgrade'))) result.allowed.upgrade++
    else if (ours.slice(0, i).some(({ headers }) => has(headers, 'proxy-connection'))) result.allowed.proxyConnection++
    else if (ours.slice(0, i).some(({ headers }) => has(headers, 'expect'))) result.allowed.expect++
    else return false
    return true
  }
  if (theirs.length > ours.length) result.stricter++
  return true
}

function texts(taken: readonly Taken[]): string[] {
  return taken.map(({ text }) => text)
}

/** One of the two, whose handler answers what is whole. */
class Server {
  private readonly held: Gate
  private readonly byPort = new Map<number, Handled[]>()

  private constructor(held: Gate) {
    this.held = held
  }

  static async start(http1: Http1): Promise<Server> {
    let server: Server | undefined
    const held = await gate((handled) => server?.onRequest(handled), {
      http1,
      timeouts: { headers: 2_000, body: 2_000 },
    })
    server = new Server(held)
    return server
  }

  stop(): Promise<void> {
    return this.held.stop()
  }

  /** `cut`: where the input is cut into two pieces; 0: nowhere. */
  async take(input: string, cut: number, wait = 0): Promise<Taken[]> {
    const socket = connect({ port: this.held.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    socket.on('error', () => {})
    socket.resume()
    await once(socket, 'connect')
    const port = socket.localPort as number
    const closed = new Promise((resolve) => socket.once('close', resolve))
    if (cut > 0) {
      socket.write(input.slice(0, cut), 'latin1')
      await new Promise((resolve) => setImmediate(resolve))
    }
    socket.write(input.slice(cut), 'latin1')
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    socket.end()
    await closed
    const handled = this.byPort.get(port) ?? []
    this.byPort.delete(port)
    this.held.handled.length = 0
    this.held.glimpses.length = 0
    this.held.malformedInputs.length = 0
    this.held.faults.length = 0
    return handled.filter(({ downstream, events }) => downstream.contentLength === 0 || events.ended).map(takenOf)
  }

  private onRequest(handled: Handled): void {
    const { port } = handled.downstream.peer
    const list = this.byPort.get(port) ?? []
    this.byPort.set(port, list)
    list.push(handled)
    answerWhole(handled)
  }
}

function takenOf({ downstream, events }: Handled): Taken {
  const { authority, contentLength, headers, host, method, protocol, target } = downstream
  const text = JSON.stringify([
    method,
    target,
    protocol,
    host,
    authority,
    contentLength,
    headers,
    events.body,
    events.trailers,
  ])
  return { method, text, headers }
}

function has(headers: FlatHeaders, lower: string): boolean {
  return headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === lower)
}
