import { describe, expect, test } from 'vitest'
import { AnswerParser } from '../../../../../src/data/upstreams/transports/http1-parser.ts'
import { type Outcome, parse, parseBy } from '../../../../kit/http1-answers.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const BODY = `${OK}Content-Length: 5\r\n\r\nhello`
const chunked = (body: string): string => `${OK}Transfer-Encoding: chunked\r\n\r\n${body}`

/** What is told, in one line an event; data joined. */
function lines(outcome: Outcome): string[] {
  return outcome.events.map((event) => event.join(' '))
}

describe('whole answers', () => {
  test.each<[name: string, input: string, events: string[]]>([
    ['by length', BODY, ['head 200 Content-Length,5', 'data hello', 'end']],
    ['empty', `${OK}Content-Length: 0\r\n\r\n`, ['head 200 Content-Length,0', 'end']],
    ['no reason phrase', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', ['head 200 Content-Length,0', 'end']],
    ['no blank after the code', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', ['head 200 Content-Length,0', 'end']],
    ['latin1 reason', 'HTTP/1.1 200 \xd6k\r\nContent-Length: 0\r\n\r\n', ['head 200 Content-Length,0', 'end']],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi', ['head 200 Content-Length,2', 'data hi', 'end']],
    ['status 999', 'HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n', ['head 999 Content-Length,0', 'end']],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', ['head 204 ', 'end']],
    [
      '304 with a length',
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
      ['head 304 Content-Length,5', 'end'],
    ],
    ['until close', `${OK}\r\nas long as it takes`, ['head 200 ', 'data as long as it takes', 'end']],
    [
      'chunked',
      chunked('5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'),
      ['head 200 Transfer-Encoding,chunked', 'data hello world', 'end'],
    ],
    [
      'chunk sizes in both cases, with zeros in front',
      chunked('00a\r\n0123456789\r\n0A\r\n0123456789\r\n000\r\n\r\n'),
      ['head 200 Transfer-Encoding,chunked', 'data 01234567890123456789', 'end'],
    ],
    [
      'chunk extensions',
      chunked('2;a\r\nhi\r\n1;b=c;d="e;\\" f"\r\n!\r\n0;z\r\n\r\n'),
      ['head 200 Transfer-Encoding,chunked', 'data hi!', 'end'],
    ],
    [
      'blanks around chunk extensions, and behind sizes',
      chunked('2 \t; a\t=  b ;c = "d; e" \t\r\nhi\r\n1  \r\n!\r\n0\t;\tz\r\n\r\n'),
      ['head 200 Transfer-Encoding,chunked', 'data hi!', 'end'],
    ],
    [
      'trailers',
      chunked('2\r\nhi\r\n0\r\nx-sum: 1\r\nX-Sum: 2\r\n\r\n'),
      ['head 200 Transfer-Encoding,chunked', 'data hi', 'trailers x-sum,1,X-Sum,2', 'end'],
    ],
    ...['Content-Length: 5', 'Content-Length: x', 'Transfer-Encoding: chunked', 'Transfer-Encoding: gzip'].map(
      (field): [string, string, string[]] => [
        `${field} as a trailer frames nothing`,
        chunked(`2\r\nhi\r\n0\r\n${field}\r\n\r\n`),
        ['head 200 Transfer-Encoding,chunked', 'data hi', `trailers ${field.replace(': ', ',')}`, 'end'],
      ],
    ),
    ...['Content-Length: 5', 'Content-Length: x', 'Transfer-Encoding: chunked', 'Transfer-Encoding: gzip'].map(
      (field): [string, string, string[]] => [
        `${field} in a 1xx frames nothing`,
        `HTTP/1.1 103 E\r\n${field}\r\n${field}\r\n\r\n${BODY}`,
        [
          `informational 103 ${`${field},${field}`.replaceAll(': ', ',')}`,
          'head 200 Content-Length,5',
          'data hello',
          'end',
        ],
      ],
    ),
    [
      'any case of coding',
      `${OK}transfer-ENCODING:CHUNKED\r\n\r\n0\r\n\r\n`,
      ['head 200 transfer-ENCODING,CHUNKED', 'end'],
    ],
    [
      'order, case, duplicates, blanks around values, empty values',
      `${OK}b:1\r\nA: \t 2 \t\r\nb:   \r\nContent-Length: 0\r\n\r\n`,
      ['head 200 b,1,A,2,b,,Content-Length,0', 'end'],
    ],
    ['latin1 values', `${OK}x: caf\xe9\r\nContent-Length: 0\r\n\r\n`, ['head 200 x,caf\xe9,Content-Length,0', 'end']],
    [
      'informational answers first',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 C\r\nx: y\r\n\r\n${BODY}`,
      ['informational 103 Link,</x>', 'head 200 Content-Length,5', 'data hello', 'end'],
    ],
  ])('%s', (_name, input, events) => {
    const outcome = parse(input)
    expect(lines(outcome)).toEqual(events)
    expect(outcome.left).toBe(0)
  })

  test('the answer to HEAD has no body, whatever its head announces', () => {
    const outcome = parse(BODY.slice(0, -5), true)
    expect(lines(outcome)).toEqual(['head 200 Content-Length,5', 'end'])
    expect(parse(`${OK}Transfer-Encoding: chunked\r\n\r\n`, true).persistent).toBe(true)
  })

  test('octets behind an answer are left alone', () => {
    expect(parse(`${BODY}HTTP/1.1 200`).left).toBe(12)
    expect(parse(`${chunked('0\r\n\r\n')}x`).left).toBe(1)
  })

  test('one parser serves many answers', () => {
    const parser = new AnswerParser()
    for (let i = 0; i < 3; i++) expect(lines(parseBy(parser, BODY, 7))).toHaveLength(3)
    expect(lines(parseBy(parser, `${OK}Connection: close\r\n\r\n`, 7)).at(-1)).toBe('end')
    expect(parseBy(parser, BODY, 7).persistent).toBe(true)
  })
})

describe('refused', () => {
  test.each<[name: string, input: string]>([
    ['not HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n'],
    ['HTTP/0.9', 'HTTP/0.9 200 OK\r\n\r\n'],
    ['lower-case protocol', 'http/1.1 200 OK\r\n\r\n'],
    ['an empty line in front', `\r\n${BODY}`],
    ['a blank in front', ` ${BODY}`],
    ['two blanks', 'HTTP/1.1  200 OK\r\n\r\n'],
    ['status 99', 'HTTP/1.1 99 OK\r\n\r\n'],
    ['status 099', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['status 1000', 'HTTP/1.1 1000 OK\r\n\r\n'],
    ['status 2x0', 'HTTP/1.1 2x0 OK\r\n\r\n'],
    ['control character in the reason', 'HTTP/1.1 200 O\x01K\r\n\r\n'],
    ['bare LF behind the status line', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n'],
    ['bare LF behind a field', `${OK}x: y\nContent-Length: 0\r\n\r\n`],
    ['bare LF as the empty line', `${OK}Content-Length: 0\r\n\n`],
    ['bare CR in a value', `${OK}x: a\rb\r\n\r\n`],
    ['bare CR behind a field', `${OK}x: a\r\r\n\r\n`],
    ['bare CR as the empty line', `${OK}\rx\r\n\r\n`],
    ['NUL in a value', `${OK}x: a\0b\r\n\r\n`],
    ['DEL in a value', `${OK}x: a\x7fb\r\n\r\n`],
    ['obs-fold', `${OK}x: a\r\n b\r\n\r\n`],
    ['obs-fold on the first line', `${OK} x: a\r\n\r\n`],
    ['blank before the colon', `${OK}x : a\r\n\r\n`],
    ['no colon', `${OK}x\r\n\r\n`],
    ['no name', `${OK}: a\r\n\r\n`],
    ['odd character in a name', `${OK}x(: a\r\n\r\n`],
    ['latin1 in a name', `${OK}caf\xe9: a\r\n\r\n`],
    ['two equal lengths', `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
    ['two different lengths', `${OK}Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello!`],
    ['list of lengths', `${OK}Content-Length: 5, 5\r\n\r\nhello`],
    ['empty length', `${OK}Content-Length:\r\n\r\n`],
    ['signed length', `${OK}Content-Length: +5\r\n\r\nhello`],
    ['negative length', `${OK}Content-Length: -5\r\n\r\nhello`],
    ['hexadecimal length', `${OK}Content-Length: 0x5\r\n\r\nhello`],
    ['length beyond exact numbers', `${OK}Content-Length: 9007199254740993\r\n\r\n`],
    ['length and coding', `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['coding and length', `${OK}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`],
    ['gzip, chunked', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['chunked, chunked', `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
    ['chunked twice', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['identity', `${OK}Transfer-Encoding: identity\r\n\r\n`],
    ['blank behind the coding', `${OK}Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n`],
    ['empty coding', `${OK}Transfer-Encoding:\r\n\r\n`],
    ['chunked in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['a body behind a 1xx', `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello${BODY}`],
    ['no chunk size', chunked('\r\nhello\r\n0\r\n\r\n')],
    ['odd chunk size', chunked('g\r\n')],
    ['signed chunk size', chunked('+5\r\nhello\r\n0\r\n\r\n')],
    ['prefixed chunk size', chunked('0x5\r\nhello\r\n0\r\n\r\n')],
    ['chunk size of 14 digits', chunked('00000000000005\r\nhello\r\n0\r\n\r\n')],
    ['two extensions without a semicolon', chunked('5;a b\r\nhello\r\n0\r\n\r\n')],
    ['blank in a chunk size', chunked('5 5\r\nhello\r\n0\r\n\r\n')],
    ['blank in front of a chunk size', chunked(' 5\r\nhello\r\n0\r\n\r\n')],
    ['extension without value', chunked('5;a=\r\nhello\r\n0\r\n\r\n')],
    ['extension that is only a semicolon', chunked('5; \r\nhello\r\n0\r\n\r\n')],
    ['something behind a quoted value', chunked('5;a="b"c\r\nhello\r\n0\r\n\r\n')],
    ['bare LF behind the chunk size', chunked('5\nhello\r\n0\r\n\r\n')],
    ['bare LF in an extension', chunked('5;a\nb\r\nhello\r\n0\r\n\r\n')],
    ['bare LF in a quoted extension', chunked('5;a="\\\n"\r\nhello\r\n0\r\n\r\n')],
    ['bare CR in an extension', chunked('5;a\rb\r\nhello\r\n0\r\n\r\n')],
    ['extension without name', chunked('5;=a\r\nhello\r\n0\r\n\r\n')],
    ['chunk longer than its size', chunked('5\r\nhello!\r\n0\r\n\r\n')],
    ['bare LF behind a chunk', chunked('5\r\nhello\n0\r\n\r\n')],
    ['folded trailer', chunked('0\r\nx: a\r\n b\r\n\r\n')],
  ])('%s', (_name, input) => {
    expect(lines(parse(input)).at(-1)).toBe('failed')
  })
})

describe('bounds', () => {
  const fields = (count: number): string => 'x: y\r\n'.repeat(count)

  test('200 fields pass, 201 do not', () => {
    expect(parse(`${OK}${fields(199)}Content-Length: 0\r\n\r\n`).events.at(-1)).toEqual(['end'])
    expect(parse(`${OK}${fields(200)}Content-Length: 0\r\n\r\n`).events.at(-1)).toEqual(['failed'])
  })

  test.each([1, 1000, 1_000_000])('a head of 64 KiB passes, a longer one does not, by pieces of %i', (piece) => {
    const rest = `${OK}Content-Length: 0\r\nx: \r\n\r\n`.length
    const head = (bytes: number): string => `${OK}Content-Length: 0\r\nx: ${'y'.repeat(bytes - rest)}\r\n\r\n`
    expect(parse(head(65_536), false, piece).events.at(-1)).toEqual(['end'])
    expect(parse(head(65_537), false, piece).events.at(-1)).toEqual(['failed'])
    // No line end at all: must not be kept for ever.
    expect(parse('x'.repeat(70_000), false, piece).events).toEqual([['failed']])
  })

  test('trailers have the bounds of a head', () => {
    expect(parse(chunked(`0\r\n${fields(200)}\r\n`)).events.at(-1)).toEqual(['end'])
    expect(parse(chunked(`0\r\n${fields(201)}\r\n`)).events.at(-1)).toEqual(['failed'])
    expect(parse(chunked(`0\r\nx: ${'y'.repeat(65_536)}\r\n\r\n`)).events.at(-1)).toEqual(['failed'])
  })

  test('chunk extensions are bounded by chunk, not by answer', () => {
    const chunk = (bytes: number): string => `1;${'e'.repeat(bytes - 1)}\r\n.\r\n`
    expect(parse(chunked(`${chunk(1021)}0\r\n\r\n`)).events.at(-1)).toEqual(['end'])
    expect(parse(chunked(`${chunk(1022)}0\r\n\r\n`)).events.at(-1)).toEqual(['failed'])
    expect(parse(chunked(`${chunk(1000).repeat(5000)}0\r\n\r\n`)).events.at(-1)).toEqual(['end'])
    expect(parse(chunked(`1;${'e'.repeat(2000)}`), false, 1).events.at(-1)).toEqual(['failed'])
    expect(parse(chunked(`1${' '.repeat(2000)}`), false, 1).events.at(-1)).toEqual(['failed'])
  })

  test('1xx answers in front of one answer are bounded in bytes', () => {
    const early = `HTTP/1.1 103 Early Hints\r\nx: ${'y'.repeat(1000)}\r\n\r\n`
    expect(parse(`${early.repeat(250)}${BODY}`).events.at(-1)).toEqual(['end'])
    expect(parse(`${early.repeat(260)}${BODY}`).events.at(-1)).toEqual(['failed'])
    expect(parse(`${'HTTP/1.1 100 C\r\n\r\n'.repeat(20_000)}${BODY}`).events).toEqual([['failed']])
    // Each answer begins anew.
    const parser = new AnswerParser()
    for (let i = 0; i < 3; i++)
      expect(parseBy(parser, `${early.repeat(150)}${BODY}`, 65_536).events.at(-1)).toEqual(['end'])
  })
})

describe('what can no more become an answer', () => {
  const CHUNKED = chunked('')

  // The last octet is the wrong one. There is no LF behind it, and none may ever come.
  test.each([
    ...['S', '\x15', '\r', ' ', 'HTTP/2', 'HTTP/1.2', 'HTTP/1.1\t', 'HTTP/1.1 0', 'HTTP/1.1 2x', 'HTTP/1.1 2000'],
    ...['HTTP/1.1 20\r', 'HTTP/1.1 200 O\x01', 'HTTP/1.1 200 OK\n', 'HTTP/1.1 200 OK\r\r', 'HTTP/1.1 200\n'],
    ...['\n', ' ', '\t', ':', '\x80', 'x ', 'x\t', 'x\n', 'x\r', 'x\xe9', 'x(', '\rx', '\r\r'].map((line) => OK + line),
    ...['x: a\0', 'x:\n', 'x: a\x7f', 'x: a\r ', `x: ${'a'.repeat(5000)}\x1b`, `${'x'.repeat(5000)} `].map(
      (line) => OK + line,
    ),
    ...['g', '\r', '-', ' ', ';', '5\n', '5 \n', '5 5', '5;\r', '5; \r', '5;a b', '5;a=\r', '5;a="\n', '5;a="b"c'].map(
      (line) => CHUNKED + line,
    ),
    ...[
      '5\r\r',
      '5\r\nhello!',
      '5\r\nhello\n',
      '5\r\nhello\r\r',
      '0'.repeat(14),
      '0\r\n ',
      '0\r\nx ',
      '0\r\nx: \0',
    ].map((line) => CHUNKED + line),
  ])('is refused at its first wrong octet: %j', (input) => {
    for (const piece of [1, 3, 1000]) {
      expect(lines(parse(input, false, piece)).at(-1)).toBe('failed')
      expect(lines(parse(input.slice(0, -1), false, piece)).at(-1)).toBe('open')
    }
  })

  test.each([
    ...[
      'zzz',
      '5\r\nhello!',
      '2\r\nhi\r\n\r\n',
      '2\r\nhi\r\n0\r\nx y',
      '0\r\nx : 5\r\n',
      `${'1\r\na\r\n'.repeat(100)}g`,
    ],
    ...['2\r\nhi\r\n0\r\n: chunked\r\n\r\n', `1;${'e'.repeat(2000)}`],
  ])('is found out before the head is told, where it came with the head: %j', (body) => {
    const input = chunked(body)
    const head = input.length - body.length
    for (const early of ['', 'HTTP/1.1 103 E\r\n\r\n']) {
      const events = early === '' ? [] : [['informational', '103', '']]
      expect(parse(early + input).events).toEqual([...events, ['failed']])
      // The head is cut, too: its last octets come with the body.
      for (const cut of [1, 2, 3, 4, 20]) {
        expect(parse(early + input, false, [early.length + head - cut]).events).toEqual([...events, ['failed']])
      }
      expect(parse(early + input, false, [early.length + head]).events[events.length]?.[0]).toBe('head')
    }
    // To HEAD there is no body that could be broken.
    expect(parse(input, true).events.map(([name]) => name)).toEqual(['head', 'end'])
  })

  test('one parser goes on after it', () => {
    const parser = new AnswerParser()
    for (let i = 0; i < 3; i++) {
      expect(parseBy(parser, chunked('2\r\nhi\r\n0\r\nx y'), 1000).events).toEqual([['failed']])
      expect(lines(parseBy(parser, chunked('2\r\nhi\r\n0\r\nx: y\r\n\r\n'), 1000)).at(-1)).toBe('end')
    }
  })
})

describe('whether the connection can serve again', () => {
  test.each<[name: string, input: string, persistent: boolean]>([
    ['HTTP/1.1', BODY, true],
    ['Connection: close', `${OK}Connection: close\r\nContent-Length: 0\r\n\r\n`, false],
    ['close in a list, any case', `${OK}Connection: foo , CLOSE\r\nContent-Length: 0\r\n\r\n`, false],
    ['close and keep-alive', `${OK}Connection: close\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n`, false],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', false],
    ['HTTP/1.0 keep-alive', 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n', true],
    ['until close', `${OK}\r\nx`, false],
    ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', true],
    ['204 that announces a body', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', false],
    ['204 that announces no body', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', true],
    ['204 that announces chunks', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', false],
    ['close in a 1xx before a 304', 'HTTP/1.0 103 E\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n', false],
    ['a length in a 1xx', `HTTP/1.1 103 E\r\nContent-Length: 5\r\n\r\n${BODY}`, false],
    ['a coding in a 100', `HTTP/1.1 100 C\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}`, false],
    ['close in a 1xx', `HTTP/1.1 100 C\r\nConnection: close\r\n\r\n${BODY}`, false],
  ])('%s', (_name, input, persistent) => {
    expect(parse(input).persistent).toBe(persistent)
  })

  test('the hint of Keep-Alive', () => {
    const hint = (value: string): number => {
      const parser = new AnswerParser()
      parseBy(parser, `${OK}Keep-Alive: ${value}\r\nContent-Length: 0\r\n\r\n`, 1000)
      return parser.keepAliveMs(60_000)
    }
    // A second less, so that we close first; ours where there is no hint.
    expect(hint('timeout=5, max=100')).toBe(4_000)
    expect(hint('max=100,Timeout=5')).toBe(4_000)
    expect(hint('timeout=100')).toBe(60_000)
    expect(hint('timeout=0')).toBe(-1_000)
    expect(hint('timeout=x')).toBe(60_000)
    expect(hint('5')).toBe(60_000)
  })
})

describe('pausing', () => {
  test('after a pause from within an event nothing follows until it is cleared, the end included', () => {
    const input = Buffer.from(`HTTP/1.1 103 E\r\n\r\n${chunked('2\r\nhi\r\n1\r\n!\r\n0\r\nx: y\r\n\r\n')}`, 'latin1')
    const parser = new AnswerParser()
    const told: string[] = []
    const tell = (event: string) => (): void => {
      told.push(event)
      parser.paused = true
    }
    parser.begin(
      {
        onInformational: tell('informational'),
        onHead: tell('head'),
        onData: tell('data'),
        onTrailers: tell('trailers'),
      },
      false,
    )
    let at = 0
    for (const count of [1, 2, 3, 4, 5]) {
      parser.paused = false
      at = parser.feed(input, at, input.length, true)
      expect(told).toHaveLength(count)
    }
    expect(told).toEqual(['informational', 'head', 'data', 'data', 'trailers'])
    expect(at).toBe(input.length)
    expect(parser.done).toBe(true)
  })

  test('stopped from within an event, it tells nothing more', () => {
    const parser = new AnswerParser()
    const told: string[] = []
    parser.begin(
      {
        onInformational() {},
        onHead: () => parser.stop(),
        onData: () => told.push('data'),
        onTrailers: () => told.push('trailers'),
      },
      false,
    )
    parser.feed(Buffer.from(BODY), 0, BODY.length, true)
    expect(told).toEqual([])
    expect(parser.done).toBe(false)
  })
})

test('data of a buffer that is used again is copied, data of an owned one is not', () => {
  const parser = new AnswerParser()
  const input = Buffer.from(BODY)
  const told: Buffer[] = []
  for (const owned of [false, true]) {
    const events = { onInformational() {}, onHead() {}, onData: (chunk: Buffer) => told.push(chunk), onTrailers() {} }
    parser.begin(events, false)
    parser.feed(input, 0, input.length, owned)
  }
  input.fill(0)
  expect(told.map(String)).toEqual(['hello', '\0\0\0\0\0'])
})
