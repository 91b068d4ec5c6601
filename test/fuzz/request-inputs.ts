import type { Random } from '../../src/lib/random.ts'
import { BROKEN_CHUNKS, HEAD_FAULTS, pick, request } from '../kit/malformed.ts'

/** What was done to a request so that two readers of it might differ. Each is in a share of all inputs; a test counts. */
export const KINDS = [
  'content-length',
  'transfer-encoding',
  'both lengths',
  'bare CR or LF',
  'folded line',
  'chunk size',
  'chunk extension',
  'chunk end',
  'trailers',
  'field name',
  'field value',
  'host',
  'connection',
  'request line',
  'version',
  'several requests',
  'request in a body',
  'octet changed',
  'cut off',
  'cut in two',
  'cut at each octet',
] as const

export type Kind = (typeof KINDS)[number]

/** What one connection sends, and in which pieces. */
export interface RequestInput {
  /** One character per octet. */
  readonly text: string
  /** Places where it is cut, ascending. */
  readonly cuts: readonly number[]
  readonly kinds: ReadonlySet<Kind>
}

export const LENGTHS: readonly string[] = [
  ...[
    '0',
    '3',
    '03',
    '003',
    '+3',
    '-3',
    '3 ',
    ' 3',
    '\t3',
    '3\t',
    '3,3',
    '3, 3',
    '3,',
    ',3',
    '3;',
    '3.0',
    '3e0',
    '0x3',
  ],
  ...['', ' ', '3 3', '"3"', '\xb3', '3\xa0', '3\x0b', '3\x0c', '99', '9007199254740991', '9007199254740993'],
  ...['4294967299', '18446744073709551619', '99999999999999999999999', '00000000000000000000000000003', '3\0'],
]
const LENGTH_NAMES = [
  ...['Content-Length', 'content-length', 'CONTENT-LENGTH', 'Content-Length ', 'Content-Length\t', ' Content-Length'],
  ...[
    'Content_Length',
    'Content-Length\0',
    'X-Content-Length',
    'Content--Length',
    'Content-Lengt',
    '\xa0Content-Length',
  ],
]
export const CODINGS: readonly string[] = [
  ...[
    'chunked',
    'Chunked',
    'CHUNKED',
    ' chunked ',
    '\tchunked',
    'chunked\t',
    'chunked,',
    ',chunked',
    ', chunked',
    'chunked;',
  ],
  ...[
    'chunked;a=b',
    'gzip, chunked',
    'gzip,chunked',
    'chunked, chunked',
    'chunked, gzip',
    'chunked, identity',
    'identity',
  ],
  ...[
    'identity, chunked',
    '"chunked"',
    "'chunked'",
    'xchunked',
    'chunkedx',
    'chunke',
    'chun\tked',
    'chunked\x0b',
    '\x0bchunked',
  ],
  ...[
    'chunked\0',
    '',
    'gzip',
    'x',
    'chunked chunked',
    'chunked\xa0',
    '\xa0chunked',
    'c\xe8unked',
    'chunked\x0c',
    'cow, chunked',
  ],
]
const CODING_NAMES = [
  ...[
    'Transfer-Encoding',
    'transfer-encoding',
    'TRANSFER-ENCODING',
    'Transfer-Encoding ',
    'Transfer-Encoding\t',
    ' Transfer-Encoding',
  ],
  ...[
    'Transfer_Encoding',
    'Transfer-Encoding\0',
    'X-Transfer-Encoding',
    'Transfer-Encodin',
    'Transfer-\tEncoding',
    'Transfer\x0bEncoding',
  ],
]
const HOSTS = [
  ...[
    'a',
    'b',
    '',
    ' ',
    'a:1',
    'a:',
    'a:x',
    'a:99999',
    'a:-1',
    ':1',
    'a b',
    'a\tb',
    '[::1]',
    '[::1]:80',
    '[::1',
    '::1',
    '[]',
    'a/b',
  ],
  ...[
    'u@a',
    'a,b',
    'a, a',
    'A.',
    '.',
    'a..b',
    '\xff',
    'a\0',
    'a\x7f',
    'http://a',
    'a?b',
    'a#b',
    'a\\b',
    '%61',
    'a%00',
    '127.0.0.1',
  ],
  ...[
    '0x7f.1',
    '1.2.3.4:80',
    '[::ffff:1.2.3.4]',
    '[v1.a]',
    'xn--a',
    'a_b',
    '-a',
    "a'b",
    'a"b',
    '*',
    'a:80:80',
    'x'.repeat(300),
  ],
]
const CONNECTIONS = [
  ...[
    'Connection: close',
    'Connection: keep-alive',
    'Connection: Close, x',
    'Connection: upgrade',
    'Connection: keep-alive, close',
  ],
  ...[
    'Connection: transfer-encoding',
    'Connection: content-length',
    'Connection: host',
    'Connection:',
    'Connection: ,',
    'Connection : close',
  ],
  ...[
    'Proxy-Connection: close',
    'Keep-Alive: timeout=5',
    'Upgrade: h2c',
    'Upgrade: websocket',
    'Upgrade:',
    'HTTP2-Settings: x',
  ],
  ...[
    'Expect: 100-continue',
    'Expect: 100-Continue',
    'Expect: x',
    'Expect:',
    'TE: trailers',
    'TE: chunked',
    'Trailer: X',
    'Trailer: Content-Length',
  ],
]
const VALUES = [
  '',
  'a',
  '"a\\"',
  'a b',
  '\xe9',
  '\x80',
  "a!#$%&'*+-.^_`|~",
  '\t',
  ' \t a \t ',
  'a,b;c=d',
  'x'.repeat(300),
]
const LINE_ENDS = [
  ...[
    '\n',
    '\r',
    '\r\r\n',
    '\n\r',
    '\n\n',
    '\r\n\r',
    '',
    ' \r\n',
    '\t\r\n',
    '\x0b\r\n',
    '\x0c\r\n',
    '\0\r\n',
    '\r \n',
    '\r\0\n',
    '\x85',
  ],
]
const FOLDS = [' folded', '\tfolded', ' ', '\t', ' Content-Length: 3', '\tTransfer-Encoding: chunked', ' : x', '  \t']
const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'QUERY',
  'TRACE',
  'CONNECT',
  'get',
  'PRI',
  'ABC',
  'M-SEARCH',
  'G\xe9T',
]
const TARGETS = [
  ...[
    '/',
    '/a?b',
    '/a#b',
    '*',
    'http://a/x',
    'http://a',
    'http://b:1',
    'https://a/',
    'HTTP://a/',
    'http://u@a/',
    'http://a?b',
    'ftp://a/',
  ],
  ...[
    '//a',
    '/a b',
    '/\xe9',
    '/\x7f',
    '/\0',
    '/%',
    '/..',
    '\\',
    'a',
    'a:1',
    '',
    '/\t',
    'http:///',
    'http://[::1]/',
    '/"<>^`{|}',
    '?a',
  ],
]
const VERSIONS = [
  ...[
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/1.2',
    'HTTP/2.0',
    'HTTP/0.9',
    'HTTP/1',
    'HTTP/11',
    'http/1.1',
    'Http/1.1',
    'HTTP/1.1 ',
    ' HTTP/1.1',
  ],
  ...[
    'HTTP/1.10',
    'HTTP/01.1',
    'HTTP/1.01',
    'HTTP 1.1',
    'HTTPS/1.1',
    'ICE/1.0',
    'RTSP/1.0',
    'HTTP/1.',
    'HTTP/.1',
    'HTTP/1,1',
    '',
    'HTTP/1.1x',
    'HTTP/1.\xb9',
  ],
]
export const EXTENSIONS: readonly string[] = [
  ...[
    ';a',
    ';a=b',
    ';a="b"',
    ';a="b;c"',
    ';a="b\\"c"',
    ';a=',
    ';',
    ';;a',
    ';a="',
    ';a="b',
    '; a',
    ' ;a',
    ';a =b',
    ';a= b',
    ';a;b;c=d',
    ' ',
    '\t',
  ],
  ...[
    ';a="\n"',
    ';a="\r\n"',
    ';\n',
    ';a\n',
    ';a=\0',
    ';a="\x7f"',
    ';\xe9',
    ';a="\xe9"',
    ';a=b c',
    `;${'x'.repeat(200)}`,
    ';a="b"c',
    ';=b',
    ';"a"',
  ],
]
const TRAILERS = [
  ...[
    'X: 1',
    'X : 1',
    ' X: 1',
    'X',
    ': 1',
    'X: \0',
    'X: a\rb',
    'X\xe9: 1',
    'Content-Length: 3',
    'Content-Length: x',
    'Transfer-Encoding: chunked',
  ],
  ...[
    'Content-Length: 9007199254740993',
    'Connection: close',
    'Host: b',
    'Trailer: X',
    'Upgrade: x',
    'Expect: 100-continue',
    'X:',
    'X: \x0b',
  ],
]
const LAST_CHUNKS = [
  '0\r\n\r\n',
  '00\r\n\r\n',
  '000000000000000000000\r\n\r\n',
  '0;a\r\n\r\n',
  '0\n\n',
  '0\r\n\n',
  '0\r\n\r',
  '0 \r\n\r\n',
  '0x0\r\n\r\n',
  '-0\r\n\r\n',
  '',
  '\r\n\r\n',
  '0\r\n',
]

const INNER = 'GET /inner HTTP/1.1\r\nHost: inner\r\n\r\n'
const MOST_AT_EACH_OCTET = 400

const OCTET = (random: Random): string => String.fromCharCode(Math.floor(random.float() * 256))

/** Makes what one connection sends: requests, most of them broken somewhere. */
export class RequestInputs {
  private readonly random: Random
  private kinds = new Set<Kind>()

  constructor(random: Random) {
    this.random = random
  }

  next(): RequestInput {
    this.kinds = new Set()
    let text = ''
    const requests = this.chance(0.45) ? 1 : 2 + this.below(2)
    if (requests > 1) this.kinds.add('several requests')
    for (let left = requests; left > 0; left--) text += this.one()
    while (this.chance(0.3)) text = this.changed(text)
    if (this.chance(0.12)) text = this.withLineEnd(text)
    return { text, cuts: this.cuts(text.length), kinds: this.kinds }
  }

  private one(): string {
    if (this.chance(0.08)) return pick(this.random, HEAD_FAULTS)(this.random)
    const fields = this.chance(0.93) ? ['Host: a'] : []
    while (this.chance(0.3)) fields.splice(this.below(fields.length + 1), 0, this.field())
    const line = this.line()
    const framed = this.random.float()
    if (framed < 0.3) return request(line, fields)
    if (framed < 0.55) return this.counted(line, fields)
    return this.chunked(line, fields)
  }

  private line(): string {
    if (this.chance(0.7))
      return pick(this.random, ['GET / HTTP/1.1', 'POST / HTTP/1.1', 'PUT /x?y HTTP/1.1', 'POST http://b:1/x HTTP/1.1'])
    this.kinds.add('request line')
    let version = 'HTTP/1.1'
    if (this.chance(0.4)) {
      this.kinds.add('version')
      version = this.chance(0.8) ? pick(this.random, VERSIONS) : `HTTP/${OCTET(this.random)}.${OCTET(this.random)}`
    }
    const space = this.chance(0.9) ? ' ' : pick(this.random, ['  ', '\t', '', '\x0b', ' \t', '\xa0'])
    return `${pick(this.random, METHODS)}${space}${pick(this.random, TARGETS)} ${version}`
  }

  private field(): string {
    switch (this.below(7)) {
      case 0:
        return this.length()
      case 1:
        return this.coding()
      case 2:
        this.kinds.add('folded line')
        return pick(this.random, FOLDS)
      case 3:
        this.kinds.add('field name')
        return `${this.chance(0.5) ? 'X' : ''}${OCTET(this.random)}${this.chance(0.5) ? 'Y' : ''}: 1`
      case 4:
        this.kinds.add('field value')
        return `X: ${this.chance(0.5) ? pick(this.random, VALUES) : `a${OCTET(this.random)}b`}`
      case 5:
        this.kinds.add('host')
        return `${pick(this.random, ['Host', 'host', 'HOST', 'Host '])}: ${pick(this.random, HOSTS)}`
      default:
        this.kinds.add('connection')
        return pick(this.random, CONNECTIONS)
    }
  }

  private length(): string {
    this.kinds.add('content-length')
    return `${this.chance(0.7) ? 'Content-Length' : pick(this.random, LENGTH_NAMES)}:${this.chance(0.9) ? ' ' : ''}${pick(this.random, LENGTHS)}`
  }

  private coding(): string {
    this.kinds.add('transfer-encoding')
    return `${this.chance(0.7) ? 'Transfer-Encoding' : pick(this.random, CODING_NAMES)}:${this.chance(0.9) ? ' ' : ''}${pick(this.random, CODINGS)}`
  }

  /** A body by its length. What it holds may be a request: read as one where the length is not believed. */
  private counted(line: string, fields: readonly string[]): string {
    const body = this.content()
    const own = this.chance(0.12) ? this.length() : `Content-Length: ${body.length}`
    const both = this.chance(0.06)
    if (both) this.kinds.add('both lengths')
    return request(line, [...fields, own, ...(both ? [this.coding()] : [])], body)
  }

  private chunked(line: string, fields: readonly string[]): string {
    let body = ''
    while (this.chance(0.55)) body += this.chunk()
    const both = this.chance(0.06)
    if (both) this.kinds.add('both lengths')
    const own = this.chance(0.12) ? this.coding() : 'Transfer-Encoding: chunked'
    return request(line, [...fields, own, ...(both ? [this.length()] : [])], body + this.lastChunk())
  }

  private content(): string {
    if (this.chance(0.5)) return 'abc'
    this.kinds.add('request in a body')
    return INNER
  }

  private chunk(): string {
    if (this.chance(0.06)) {
      this.kinds.add('chunk size')
      return pick(this.random, BROKEN_CHUNKS)
    }
    const content = this.content()
    let size = content.length.toString(16)
    if (this.chance(0.15)) {
      this.kinds.add('chunk size')
      const zeros = '0'.repeat(this.below(24))
      size = pick(this.random, [
        zeros + size,
        size.toUpperCase(),
        `0x${size}`,
        `+${size}`,
        `-${size}`,
        ` ${size}`,
        `${size}${OCTET(this.random)}`,
        `${size}_`,
        `1${'0'.repeat(16)}${size}`,
        (content.length + 1).toString(16),
        (content.length - 1).toString(16),
        '',
      ])
    }
    let extension = ''
    if (this.chance(0.2)) {
      this.kinds.add('chunk extension')
      extension = this.chance(0.8) ? pick(this.random, EXTENSIONS) : `;a="${OCTET(this.random)}"`
    }
    if (!this.chance(0.08)) return `${size}${extension}\r\n${content}\r\n`
    this.kinds.add('chunk end')
    return `${size}${extension}${pick(this.random, ['\r\n', '\n', '\r', '\r\r\n'])}${content}${pick(this.random, ['\n', '\r', '', '\r\r', 'x\r\n', '\n\r', ' \r\n'])}`
  }

  private lastChunk(): string {
    if (this.chance(0.75)) return '0\r\n\r\n'
    if (this.chance(0.5)) {
      this.kinds.add('chunk end')
      return pick(this.random, LAST_CHUNKS)
    }
    this.kinds.add('trailers')
    const lines = Array.from({ length: 1 + this.below(2) }, () => `${pick(this.random, TRAILERS)}\r\n`)
    return `0\r\n${lines.join('')}\r\n`
  }

  private changed(text: string): string {
    const at = this.below(text.length + 1)
    const kind = this.random.float()
    if (kind < 0.15) {
      this.kinds.add('cut off')
      return text.slice(0, at)
    }
    this.kinds.add('octet changed')
    if (kind < 0.45) return text.slice(0, at) + this.octet() + text.slice(at)
    if (kind < 0.65) return text.slice(0, at) + text.slice(at + 1)
    if (kind < 0.9) return text.slice(0, at) + this.octet() + text.slice(at + 1)
    const to = Math.min(text.length, at + this.below(12))
    return text.slice(0, to) + text.slice(at)
  }

  /** Those that mean something come more often. */
  private octet(): string {
    return this.chance(0.6)
      ? pick(this.random, ['\r', '\n', ' ', '\t', '\0', ':', ';', ',', '"', '\\', '0', '/'])
      : OCTET(this.random)
  }

  private withLineEnd(text: string): string {
    const ends: number[] = []
    for (let at = text.indexOf('\r\n'); at !== -1; at = text.indexOf('\r\n', at + 2)) ends.push(at)
    if (ends.length === 0) return text
    this.kinds.add('bare CR or LF')
    const at = pick(this.random, ends)
    return text.slice(0, at) + pick(this.random, LINE_ENDS) + text.slice(at + 2)
  }

  private cuts(length: number): number[] {
    const kind = this.random.float()
    if (kind < 0.6 || length < 2) return []
    if (kind < 0.72 && length <= MOST_AT_EACH_OCTET) {
      this.kinds.add('cut at each octet')
      return Array.from({ length: length - 1 }, (_, i) => i + 1)
    }
    this.kinds.add('cut in two')
    return [1 + this.below(length - 1)]
  }

  private chance(share: number): boolean {
    return this.random.float() < share
  }

  private below(n: number): number {
    return Math.floor(this.random.float() * n)
  }
}
