import { describe, expect, test } from 'vitest'
import { MemoryDownstream } from '../../../../src/data/ingress/memory.ts'
import type { FlatHeaders } from '../../../../src/lib/headers.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'

/** What belongs to one connection, frames, or is ours to say; a test of a list adds what only that list knows. */
const NEVER = [
  ...[
    'Connection',
    'X-Named, close',
    'X-Named',
    '1',
    'x-named',
    '2',
    'Keep-Alive',
    'timeout=5',
    'Proxy-Connection',
    'x',
  ],
  ...['Upgrade', 'h2c', 'Transfer-Encoding', 'chunked', 'HTTP2-Settings', 'x'],
  ...['sluice-request-id', 'forged', 'Sluice-Degraded', 'forged', 'SLUICE-EXPLAIN', 'forged', 'sluice-new', 'forged'],
  ...['X-Correlation-Id', 'forged', 'x-correlation-id', 'forged'],
]

interface Asked {
  readonly kit: EngineKit
  readonly client: MemoryDownstream
}

function ask(kit = new EngineKit(), method = 'GET'): Asked {
  const request = { method, target: '/', host: 'shop.test', headers: [], contentLength: 0, peer: PEER }
  const client = new MemoryDownstream(request)
  kit.engine.handle(client)
  kit.latest.connect()
  return { kit, client }
}

function answerWithTrailers({ kit }: Asked, headers: FlatHeaders, trailers: FlatHeaders): void {
  const { events } = kit.latest
  events.onHead(200, headers)
  events.onData(Buffer.from('body'))
  events.onTrailers(trailers)
  kit.latest.finish()
}

describe('a 1xx answer', () => {
  test('loses what a final head loses, and keeps what speaks of the answer to come', () => {
    const asked = ask()
    asked.kit.latest.events.onInformational(103, ['Link', '</a>', ...NEVER, 'Content-Type', 'text/css', 'link', '</b>'])
    asked.kit.latest.events.onInformational(102, ['Trailer', 'X-Sum', 'Content-Length', '3', 'Date', 'now'])
    expect(asked.client.informationals).toEqual([
      [103, ['Link', '</a>', 'Content-Type', 'text/css', 'link', '</b>']],
      [102, ['Date', 'now']],
    ])
  })

  test('is one of at most 100 per request', () => {
    const asked = ask()
    for (let i = 0; i < 1000; i++) asked.kit.latest.events.onInformational(102, ['x-i', String(i)])
    expect(asked.client.informationals.map(([, fields]) => Number(fields[1]))).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    )
    asked.kit.latest.answer(200)
    expect(asked.client.status).toBe(200)
  })

  test('takes its part of 64 KiB per request', () => {
    const asked = ask()
    for (let i = 0; i < 50; i++) asked.kit.latest.events.onInformational(103, ['link', 'x'.repeat(10_000)])
    expect(asked.client.informationals.length).toBe(6)
  })

  test('counts for the request, whichever attempt it came of', () => {
    const asked = ask(new EngineKit({ upstreams: { a: 2 } }))
    const flood = (): void => {
      for (let i = 0; i < 70; i++) asked.kit.latest.events.onInformational(103, [])
    }
    flood()
    asked.kit.latest.fail({})
    asked.kit.clock.advance(1000)
    asked.kit.latest.connect()
    flood()
    expect(asked.client.informationals.length).toBe(100)
  })
})

describe('trailers', () => {
  test('lose what a final head loses', () => {
    const asked = ask()
    answerWithTrailers(asked, [], ['X-Sum', '4', ...NEVER, 'server-timing', 'db;dur=1', 'x-sum', '5', 'ETag', '"a"'])
    expect(asked.client.answerTrailers).toEqual([
      'X-Sum',
      '4',
      'server-timing',
      'db;dur=1',
      'x-sum',
      '5',
      'ETag',
      '"a"',
    ])
  })

  test('lose what the Connection of the head names', () => {
    const asked = ask()
    answerWithTrailers(
      asked,
      ['Connection', 'X-Hop', 'connection', 'x-other'],
      ['x-hop', '1', 'X-Other', '2', 'x-c', '3'],
    )
    expect(asked.client.answerTrailers).toEqual(['x-c', '3'])
  })

  // RFC 9110, section 6.5.1: framing, routing, request modifiers, authentication, control and format of the answer.
  test.each([
    ...['Content-Length', 'Trailer', 'TE', 'Host', 'Forwarded', 'Via', 'Cache-Control', 'Expect', 'Max-Forwards'],
    ...['Pragma', 'Range', 'If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since', 'If-Range'],
    ...['Authorization', 'Proxy-Authorization', 'WWW-Authenticate', 'Proxy-Authenticate', 'Cookie', 'Set-Cookie'],
    ...['Age', 'Date', 'Expires', 'Location', 'Refresh', 'Retry-After', 'Vary', 'Warning'],
    ...['Content-Encoding', 'Content-Type', 'Content-Range', 'Content-Location'],
  ])('never hold %s', (name) => {
    const asked = ask()
    answerWithTrailers(asked, [], [name, '1', 'x-sum', '4', name.toUpperCase(), '2'])
    expect(asked.client.answerTrailers).toEqual(['x-sum', '4'])
  })
})

test('a final head loses every field that is ours to say', () => {
  const asked = ask()
  asked.kit.latest.answer(200, ['X-A', '1', ...NEVER, 'content-length', '0'])
  const { answerHeaders } = asked.client
  expect(answerHeaders.slice(0, 4)).toEqual(['X-A', '1', 'content-length', '0'])
  expect(answerHeaders.join()).not.toContain('forged')
})

test('an answer that breaks while a policy still holds its head back is a 502, and nothing of it goes out', async () => {
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const asked = ask(new EngineKit({ policies: [{ name: 'a', respond: () => held }] }))
  asked.kit.latest.events.onHead(200, ['x-a', '1'])
  asked.kit.latest.events.onData(Buffer.from('half'))
  expect(asked.client.status).toBe(0)
  asked.kit.latest.fail({ reason: 'response_incomplete', phase: 'body', responseStarted: true })
  expect(asked.client.status).toBe(502)
  release()
  await new Promise((resolve) => setImmediate(resolve))
  expect(asked.client.state).toBe('sent')
  expect(asked.client.answerHeaders).not.toContain('x-a')
  expect(asked.client.answer.toString()).toContain('"response_incomplete"')
  expect(asked.kit.finished.map(({ failure }) => failure?.reason)).toEqual(['response_incomplete'])
})
