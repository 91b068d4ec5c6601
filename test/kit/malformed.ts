import type { Random } from '../../src/lib/random.ts'
import { httpClient } from './client.ts'
import { until } from './until.ts'

/** Every request that may pass has this target; whatever else is handed over came out of something malformed. */
export const GOOD_TARGET = '/good'

export const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random.float() * list.length)] as T

/** Makers of requests that no server may take for well-formed. */
export const HEAD_FAULTS: readonly ((random: Random) => string)[] = [
  (r) => request(`${pick(r, ['GE T', '', 'G\0T', 'GET\t', 'POST,', '{}', 'M'.repeat(33)])} /x HTTP/1.1`, ['Host: a']),
  (r) =>
    request(
      `GET ${pick(r, ['x', '', '/a b', '/\x01', '/\xe9', '*', 'ftp://a/', 'http://u:p@a/', 'http://', '\\x', '/\x7f'])} HTTP/1.1`,
      ['Host: a'],
    ),
  (r) =>
    request(
      `GET /x ${pick(r, ['HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/1', 'HTTP/11', 'http/1.1', 'HTTP/1.1 x', 'ICE/1.0', 'HTTPS/1.1', 'HTTP/1.10', 'HTTP 1.1'])}`,
      ['Host: a'],
    ),
  (r) =>
    request('GET /x HTTP/1.1', [
      `Host: ${pick(r, ['', 'a b', 'a/b', 'u@a', 'a:x', '[', 'a,b', '\xff', 'a:1:2', '.'])}`,
    ]),
  () => request('GET /x HTTP/1.1', ['Accept: */*']),
  (r) => request('GET /x HTTP/1.1', ['Host: a', `host: ${pick(r, ['a', 'b', ''])}`]),
  (r) =>
    request('GET /x HTTP/1.1', [
      'Host: a',
      pick(r, [
        'X : 1',
        ' X: 1',
        'X',
        ': 1',
        'X\0: 1',
        'X: a\0',
        'X: a\rb',
        'X: \x0b',
        'X\xe9: 1',
        '(X): 1',
        'X"y": 1',
        'X: a\x7f',
      ]),
    ]),
  (r) => request('GET /x HTTP/1.1', ['Host: a', 'X: 1', pick(r, [' folded', '\tfolded', ' '])]),
  (r) => `GET /x HTTP/1.1${pick(r, ['\n', '\r', '\r\r\n', '\n\r'])}Host: a${pick(r, ['\n', '\r\n'])}\n`,
  (r) =>
    request(
      'POST /x HTTP/1.1',
      [
        'Host: a',
        `Content-Length: ${pick(r, ['-1', '+1', '0x1', '1 1', '1,1', '1e0', '', '99999999999999999999999', '9007199254740993', '1.0', '１'])}`,
      ],
      'x',
    ),
  (r) =>
    request('POST /x HTTP/1.1', ['Host: a', 'Content-Length: 1', `Content-Length: ${pick(r, ['1', '2', '0'])}`], 'x'),
  (r) =>
    request(
      'POST /x HTTP/1.1',
      shuffled(r, ['Host: a', 'Content-Length: 5', 'Transfer-Encoding: chunked']),
      '0\r\n\r\n',
    ),
  (r) =>
    request(
      'POST /x HTTP/1.1',
      [
        'Host: a',
        `Transfer-Encoding: ${pick(r, ['gzip', 'chunked, chunked', 'gzip, chunked', 'chunked, gzip', 'identity', 'xchunked', 'chunked;x', 'chunke\0d', '', 'chun\tked', 'chunked,'])}`,
      ],
      '0\r\n\r\n',
    ),
  () => request('POST /x HTTP/1.0', ['Host: a', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  (r) =>
    request(
      'POST /x HTTP/1.1',
      ['Host: a', 'Content-Length: 1', `Expect: ${pick(r, ['x', '100', '100-continued', '100-continue, x'])}`],
      'x',
    ),
  (r) => request(`CONNECT ${pick(r, ['a:1', '/', 'http://a/', '*'])} HTTP/1.1`, ['Host: a']),
  (r) => request(`GET /${'x'.repeat(4096 + Math.floor(r.float() * 30_000))} HTTP/1.1`, ['Host: a']),
  (r) => request('GET /x HTTP/1.1', ['Host: a', `X: ${'x'.repeat(16_384 + Math.floor(r.float() * 30_000))}`]),
  (r) =>
    request('GET /x HTTP/1.1', [
      'Host: a',
      ...Array.from({ length: 50 + Math.floor(r.float() * 200) }, (_, i) => `X-${i}: 1`),
    ]),
  (r) =>
    `${Array.from({ length: 1 + Math.floor(r.float() * 200) }, () =>
      String.fromCharCode(Math.floor(r.float() * 256)),
    ).join('')}\r\n\r\n`,
  (r) => flipped(r, request(`GET ${GOOD_TARGET} HTTP/1.1`, ['Host: a', 'Content-Length: 3'], 'abc')),
]

export function request(line: string, fields: readonly string[], body = ''): string {
  return `${line}\r\n${fields.map((text) => `${text}\r\n`).join('')}\r\n${body}`
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  return list
    .map((item) => [random.float(), item] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([, item]) => item)
}

/** A CR or LF of the head is lost: the head does not end, or ends otherwise than all others would read it. */
function flipped(random: Random, text: string): string {
  const places = [...text].flatMap((char, i) => (char === '\r' || char === '\n' ? [i] : []))
  const place = pick(random, places.slice(0, -2))
  return text.slice(0, place) + text.slice(place + 1)
}

export const BROKEN_CHUNKS: readonly string[] = [
  'x\r\n',
  '-1\r\n',
  '1\na\r\n',
  '1\r\nab\r\n',
  '1\r\na\n',
  `${'f'.repeat(20)}\r\n`,
  '0x1\r\na\r\n',
  '1 \r\na\r\n\0',
  '\r\n',
  '1\r\na\r\r',
]

/** Half of the inputs arrive in pieces: how many. */
export function cuts(random: Random): number {
  return random.float() < 0.5 ? 1 : 1 + Math.floor(random.float() * 4)
}

/** Sends all, waits until the server has closed; everything that came back. */
export async function closing(port: number, bytes: Buffer, pieces: number): Promise<string> {
  const client = await httpClient(port)
  const size = Math.ceil(bytes.length / pieces)
  for (let at = 0; at < bytes.length; at += size) {
    client.send(bytes.subarray(at, at + size))
    if (pieces > 1) await new Promise((resolve) => setImmediate(resolve))
  }
  await until(
    () => client.peer.ended || client.peer.closed,
    () => `a close after ${JSON.stringify(bytes.toString('latin1')).slice(0, 400)}; got ${client.peer.text}`,
  )
  const { text } = client.peer
  client.close()
  return text
}

/** What came back for a broken head, maybe between good requests. */
export interface Refused {
  /** A good request came before. */
  readonly led: boolean
  readonly statuses: number[]
  /** What was sent, for people. */
  readonly context: string
}

export async function sendMalformed(port: number, random: Random): Promise<Refused> {
  const fault = pick(random, HEAD_FAULTS)(random)
  const before = random.float() < 0.2 ? request(`GET ${GOOD_TARGET} HTTP/1.1`, ['Host: a']) : ''
  const after = random.float() < 0.3 ? request('GET /smuggled HTTP/1.1', ['Host: a']) : ''
  const text = await closing(port, Buffer.from(before + fault + after, 'latin1'), cuts(random))
  return {
    led: before !== '',
    statuses: [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => Number(match[1])),
    context: JSON.stringify(before + fault + after).slice(0, 400),
  }
}
