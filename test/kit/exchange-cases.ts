import type { Random } from '../../src/lib/random.ts'
import { pick } from './malformed.ts'

/** What the client does beside sending its request. */
export type Manner =
  | 'patient'
  | 'leaves'
  | 'resets'
  | 'leaves midway'
  | 'resets midway'
  | 'breaks its chunks'
  | 'half-closes'

/** What the upstream does wrong. */
export type Fault =
  | 'none'
  | 'resets'
  | 'closes'
  | 'garbage'
  | 'cut head'
  | 'cut body'
  | 'bad chunk'
  | 'resets behind'
  | 'status'

/** A random request and a random answer to it, as octets (latin1). */
export interface ExchangeCase {
  readonly id: number
  readonly method: string
  readonly version: '1.0' | '1.1'
  readonly head: string
  /** Framed. */
  readonly body: string
  readonly manner: Manner
  /** In how many pieces the client sends. */
  readonly pieces: number
  readonly fault: Fault
  /** The upstream answers before it has read the request's body. */
  readonly early: boolean
  readonly status: number
  readonly opaque: string
  readonly content: string
  /** Octets of the whole answer, 1xx included. */
  readonly answer: string
  readonly after: 'keeps' | 'closes' | 'resets'
}

const METHODS = ['GET', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'REPORT']
const STATUSES = [200, 200, 200, 201, 204, 206, 304, 400, 401, 404, 413, 500]
const VALUES = ['plain', 'caf\xe9', 'caf\xc3\xa9', '\x80\xff', 'a, b', '"q;\\""', 'tab\there', '=?utf-8?q?x?=', '']
const NAMES = ['Content-Disposition', 'X-Opaque', 'ETag', 'Set-Cookie', 'Server', 'Link', 'Content-Type', 'Warning']
/** Of one connection, of one hop, or ours to set. */
const HOSTILE = [
  'Trailer: X-Sum',
  'Connection: x-named\r\nX-Named: 1',
  'Connection: Upgrade\r\nUpgrade: h2c, TLS/1.2',
  'Keep-Alive: timeout=5',
  'Proxy-Connection: keep-alive',
  'sluice-request-id: forged',
  'sluice-degraded: forged',
  'X-Correlation-Id: forged',
  'TE: trailers',
]
const REQUEST_FIELDS = [
  'Connection: close',
  'Connection: Upgrade\r\nUpgrade: TLS/1.2',
  'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__',
  'TE: trailers\r\nConnection: TE',
  'Trailer: X-Sum',
  'X-Latin: caf\xe9',
  'Accept: text/html',
  'Cookie: a=1\r\nCookie: b=2',
  'Keep-Alive: 5',
  'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'traceparent: nonsense',
]
const MANNERS: readonly Manner[] = [
  'leaves',
  'resets',
  'leaves midway',
  'resets midway',
  'breaks its chunks',
  'half-closes',
]
/** What must not be among trailers, too. */
const TRAILERS = 'X-Sum: 1\r\nSet-Cookie: forged\r\nsluice-request-id: forged\r\n'
const FAULTS: readonly Fault[] = [
  'resets',
  'closes',
  'garbage',
  'cut head',
  'cut body',
  'bad chunk',
  'resets behind',
  'status',
]

/** `fails`: the upstream may do something wrong; else whatever goes wrong is the client's doing. */
export function exchangeCase(id: number, random: Random, fails: boolean): ExchangeCase {
  const chance = (share: number): boolean => random.float() < share
  const whole = (most: number): number => Math.floor(random.float() * (most + 1))
  const method = pick(random, METHODS)
  const version = chance(0.1) ? '1.0' : '1.1'
  const manner = chance(0.6) ? 'patient' : pick(random, MANNERS)
  const fault = fails && chance(0.6) ? pick(random, FAULTS) : 'none'

  const data = 'x'.repeat(pick(random, [0, 1, 5, 1000, 70_000]))
  const framing = method === 'GET' || chance(0.3) ? 'none' : version === '1.1' && chance(0.5) ? 'chunked' : 'length'
  const fields = ['Host: a.test']
  for (const field of REQUEST_FIELDS) if (chance(0.12)) fields.push(field)
  if (framing === 'length') fields.push(`Content-Length: ${data.length}`)
  if (framing === 'chunked') fields.push('Transfer-Encoding: chunked')
  const head = `${method} /${fails ? 'bad' : 'good'}/${id} HTTP/${version}\r\n${shuffled(random, fields).join('\r\n')}\r\n\r\n`
  const body =
    framing === 'none'
      ? ''
      : framing === 'length'
        ? data
        : chunked(random, data, ['', '', ';x', ';q="y"'], chance(0.3) ? 'X-Sum: 1\r\n' : '')

  const status = fault === 'status' ? pick(random, [502, 503, 504]) : pick(random, STATUSES)
  const opaque = pick(random, VALUES)
  const bodiless = method === 'HEAD' || status === 204 || status === 304
  const content = 'y'.repeat(pick(random, [0, 1, 5, 1000, 70_000]))
  const delimited = pick(random, ['length', 'length', 'chunked', 'close'] as const)
  const ends = delimited === 'close' && !bodiless
  const answerFields = [`X-Opaque-Octets: ${opaque}`]
  for (const name of NAMES) if (chance(0.25)) answerFields.push(`${name}: ${pick(random, VALUES)}`)
  for (const field of HOSTILE) if (chance(0.1)) answerFields.push(field)
  if (delimited === 'length' && (status !== 204 || chance(0.1)))
    answerFields.push(`Content-Length: ${status === 204 ? 0 : content.length}`)
  if (delimited === 'chunked' && status !== 204) answerFields.push('Transfer-Encoding: chunked')
  let early = ''
  for (let i = chance(0.3) ? whole(3) : 0; i > 0; i--)
    early += `HTTP/1.1 ${pick(random, ['102 Processing', '103 Early Hints'])}\r\n${chance(0.5) ? `${pick(random, HOSTILE)}\r\n` : ''}Link: </a>\r\n\r\n`
  const after = fault === 'resets behind' ? 'resets' : ends || chance(0.1) ? 'closes' : 'keeps'
  // Who closes without a word must expect the next request on its way.
  if (after === 'closes') answerFields.push('Connection: close')
  const answerHead = `HTTP/1.1 ${status} ${pick(random, ['', 'OK', 'Caf\xe9'])}\r\n${shuffled(random, answerFields).join('\r\n')}\r\n\r\n`
  const answerBody = bodiless
    ? ''
    : delimited === 'chunked'
      ? chunked(random, content, ['', '', ';x', ' ; a = b', ';q="y"'], chance(0.4) ? TRAILERS : '')
      : content
  return {
    id,
    method,
    version,
    head,
    body,
    manner: manner === 'patient' || canMisbehave(manner, body, framing) ? manner : 'patient',
    pieces: chance(0.5) ? 1 : 1 + whole(6),
    fault: fault === 'bad chunk' && (bodiless || delimited !== 'chunked') ? 'garbage' : fault,
    early: body !== '' && chance(0.15),
    status,
    opaque,
    content: bodiless ? '' : content,
    answer: early + spoilt(fault, answerHead, answerBody),
    after,
  }
}

function canMisbehave(manner: Manner, body: string, framing: string): boolean {
  if (manner === 'breaks its chunks') return framing === 'chunked'
  return !manner.endsWith('midway') || body.length > 5
}

/** What of an answer is sent. */
function spoilt(fault: Fault, head: string, body: string): string {
  switch (fault) {
    case 'resets':
    case 'closes':
      return ''
    case 'garbage':
      return 'no HTTP at all'
    case 'cut head':
      return head.slice(0, -3)
    case 'cut body':
      return body === '' ? head.slice(0, -3) : head + body.slice(0, -1)
    case 'bad chunk':
      return `${head}zz\r\n`
    default:
      return head + body
  }
}

function chunked(random: Random, data: string, extensions: readonly string[], trailers: string): string {
  let out = ''
  for (let at = 0; at < data.length; ) {
    const size = Math.min(data.length - at, pick(random, [1, 100, 16_384, data.length]), at === 0 ? 3 : data.length)
    out += `${size.toString(16)}${pick(random, extensions)}\r\n${data.slice(at, at + size)}\r\n`
    at += size
    // Many small chunks prove nothing more.
    if (out.length > 4000 && at < data.length) {
      out += `${(data.length - at).toString(16)}\r\n${data.slice(at)}\r\n`
      at = data.length
    }
  }
  return `${out}0\r\n${trailers}\r\n`
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  return list
    .map((item) => [random.float(), item] as const)
    .toSorted((a, b) => a[0] - b[0])
    .map(([, item]) => item)
}
