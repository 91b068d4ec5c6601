import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { field, type HttpClient, httpClient } from '../../kit/client.ts'
import { type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import {
  ACCEPT,
  echoes,
  handshake,
  type OnUpgrade,
  switched,
  TUNNEL_TOP,
  upgradingUpstream,
} from '../../kit/upgrade.ts'
import type { TestUpstream } from '../../kit/upstream.ts'

let first: TestUpstream
let second: TestUpstream
let sluice: Sluice
let does: OnUpgrade = echoes
/** What the upstreams saw, and their ends. */
const seen: { readonly req: IncomingMessage; readonly socket: Socket; readonly at: 'first' | 'second' }[] = []
const clients: HttpClient[] = []

beforeAll(async () => {
  first = await upgradingUpstream((req, socket, head) => {
    seen.push({ req, socket, at: 'first' })
    does(req, socket, head)
  })
  second = await upgradingUpstream((req, socket, head) => {
    seen.push({ req, socket, at: 'second' })
    echoes(req, socket, head)
  })
  sluice = await startSluice(`${TUNNEL_TOP}
upstreams:
  one: { endpoints: ["${first.url}"], bulkhead: { maxConcurrent: 1 } }
  other: { endpoints: ["${second.url}"] }
routes:
  chat:
    match: { path: /chat }
    to: one
    failover: [other]
    bulkhead: { maxConcurrent: 1 }
    streams: { max: 2 }
    headers: { response: { set: { x-from: gateway } } }
  silent: { match: { path: /silent }, to: one, timeouts: { stream: 200ms } }
  alone: { match: { path: /alone }, to: one, retries: off }
  none: { match: { path: /none }, to: one, upgrades: off }
  named: { match: { path: /named }, to: one, upgrades: [echo, websocket] }
  closed: { match: { path: /closed }, to: one, access: { deny: 127.0.0.0/8 } }
  inside: { match: { path: /inside }, respond: { body: here } }
`)
})

afterEach(async () => {
  does = echoes
  for (const client of clients.splice(0)) client.close()
  for (const { socket } of seen.splice(0)) socket.destroy()
  await sluice.shows(/sluice_requests_in_flight\{route="chat"\} 0\n/, /sluice_streams\{route="chat"\} 0\n/)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await Promise.all([first.close(), second.close()])
})

async function open(text: string): Promise<HttpClient> {
  const client = await httpClient(sluice.port())
  clients.push(client)
  return client.send(text)
}

function requestId(answer: Parameters<typeof field>[0]): string {
  return field(answer, 'sluice-request-id') as string
}

describe('a tunnel', () => {
  test('passes bytes both ways behind the 101, counts as a stream, and is in log and metrics', async () => {
    const client = await open(
      `${handshake('/chat', 'Sec-WebSocket-Protocol: a, b\r\nX-Correlation-Id: corr-1\r\n')}early`,
    )
    const answer = await client.answer()
    expect(answer.status).toBe(101)
    const named = ['connection', 'upgrade', 'sec-websocket-accept', 'x-correlation-id', 'x-from']
    expect(named.map((name) => field(answer, name))).toEqual(['Upgrade', 'websocket', ACCEPT, 'corr-1', 'gateway'])
    await until(() => client.rest === 'early')
    client.send(' and late')
    await until(() => client.rest === 'early and late')
    const [{ req } = { req: undefined }] = seen
    expect([req?.headers.connection, req?.headers.upgrade, req?.headers['sec-websocket-protocol']]).toEqual([
      'upgrade',
      'websocket',
      'a, b',
    ])
    await sluice.shows(
      /sluice_tunnels\{route="chat"\} 1\n/,
      /sluice_streams\{route="chat"\} 1\n/,
      /sluice_bulkhead_in_flight\{route="chat"\} 0\n/,
      /sluice_tunnels_opened_total\{route="chat",protocol="websocket"\} 1\n/,
    )
    client.peer.end()
    await client.ended()
    const line = await sluice.line(({ request_id }) => request_id === requestId(answer))
    expect(line).toMatchObject({
      status: 101,
      upgrade: 'websocket',
      ended_by: 'client',
      bytes_in: 14,
      bytes_out: 14,
      attempts: 1,
    })
    expect(line.reason).toBeUndefined()
    await sluice.shows(
      /sluice_tunnels\{route="chat"\} 0\n/,
      /sluice_tunnels_ended_total\{route="chat",by="client",reason="-"\} 1\n/,
    )
  })

  test('gives its permits back, and streams.max bounds it', async () => {
    // One after the other: each needs the one permit of route and upstream until its 101.
    for (let i = 0; i < 2; i++) expect((await (await open(handshake('/chat'))).answer()).status).toBe(101)
    // Both have given their permits back; the third is refused behind its 101.
    const refused = await (await open(handshake('/chat'))).answer()
    expect([refused.status, refused.body.includes('streams_full')]).toEqual([503, true])
    await until(() => seen[2]?.socket.destroyed === true)
  })

  test.each(['client', 'upstream'] as const)('a reset of the %s is passed on, and told', async (side) => {
    const client = await open(handshake('/alone'))
    const answer = await client.answer()
    // A frame: heads of frames are passed on when they are whole.
    client.send('\x81\x01x')
    await until(() => client.rest === '\x81\x01x')
    const { socket } = seen[0] as { socket: Socket }
    let broken: string | undefined
    socket.on('error', (error: NodeJS.ErrnoException) => {
      broken = error.code
    })
    if (side === 'client') {
      client.peer.reset()
      await until(() => broken === 'ECONNRESET')
    } else {
      socket.resetAndDestroy()
      await until(() => client.peer.error?.code === 'ECONNRESET')
    }
    const line = await sluice.line(({ request_id }) => request_id === requestId(answer))
    expect(line).toMatchObject({
      status: 101,
      ended_by: side,
      reason: side === 'client' ? 'client_gone' : 'response_incomplete',
      phase: 'upgrade',
    })
  })

  test('half-close goes through in either direction', async () => {
    does = (req, socket) => {
      socket.write(switched(req))
      socket.end('first my side')
      socket.resume()
    }
    const client = await open(handshake('/alone'))
    await client.answer()
    await client.ended()
    expect(client.rest).toBe('first my side')
    let got = 0
    seen[0]?.socket.on('data', (chunk: Buffer) => {
      got += chunk.length
    })
    client.send('still read')
    await until(() => got === 10)
    client.peer.end()
    await until(() => seen[0]?.socket.closed === true)
  })

  test('that is silent for timeouts.stream ends with a FIN on both sides', async () => {
    const client = await open(handshake('/silent'))
    const answer = await client.answer()
    await client.ended()
    expect(client.peer.error).toBeUndefined()
    client.peer.end()
    const line = await sluice.line(({ request_id }) => request_id === requestId(answer))
    expect(line).toMatchObject({ reason: 'idle_timeout', ended_by: 'sluice' })
  })

  test('other protocols are taken up where they are named', async () => {
    const client = await open(handshake('/named', '', 'other/2, Echo').replace(/Sec-.*\r\n/g, ''))
    const answer = await client.answer()
    expect([answer.status, field(answer, 'upgrade')]).toEqual([101, 'echo'])
    client.send('hi')
    await until(() => client.rest === 'hi')
  })
})

describe('before the 101', () => {
  test('an upstream’s refusal is relayed as it is', async () => {
    does = (_req, socket) =>
      socket.end('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nwho?')
    const answer = await (await open(handshake('/chat'))).answer()
    expect([answer.status, field(answer, 'www-authenticate'), answer.body]).toEqual([401, 'Basic', 'who?'])
    expect(seen).toHaveLength(1)
  })

  const failures: Readonly<Record<string, readonly [OnUpgrade, string | undefined]>> = {
    'a status that is retried': [
      (_req, socket) => socket.end('HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n'),
      undefined,
    ],
    'a reset': [(_req, socket) => socket.resetAndDestroy(), undefined],
    'a 101 to another protocol': [
      (req, socket) => socket.write(switched(req).replace('Upgrade: websocket', 'Upgrade: other')),
      'bad_response',
    ],
    'a 101 without Connection': [
      (req, socket) => socket.write(switched(req).replace('Connection: Upgrade\r\n', '')),
      'bad_response',
    ],
    'a 101 with the wrong Sec-WebSocket-Accept': [
      (req, socket) => socket.write(switched(req).replace(ACCEPT, ACCEPT.toLowerCase())),
      'bad_response',
    ],
    'a 101 without Sec-WebSocket-Accept': [
      (req, socket) => socket.write(switched(req).replace(/Sec-WebSocket-Accept.*\r\n/, '')),
      'bad_response',
    ],
  }

  test.each(Object.entries(failures))('%s leads to another attempt elsewhere', async (_what, [script]) => {
    does = script
    const client = await open(handshake('/chat'))
    const answer = await client.answer()
    expect([answer.status, seen.map(({ at }) => at)]).toEqual([101, ['first', 'second']])
    client.send('there')
    await until(() => client.rest === 'there')
    await until(() => seen[0]?.socket.readableEnded === true || seen[0]?.socket.destroyed === true)
  })

  test.each(Object.entries(failures).filter(([, [, reason]]) => reason !== undefined))(
    '%s is bad_response, with its rule, where no attempt is left',
    async (_what, [script]) => {
      does = script
      const answer = await (await open(handshake('/alone'))).answer()
      expect([answer.status, answer.body.includes('bad_response')]).toEqual([502, true])
      const line = await sluice.line(({ request_id }) => request_id === requestId(answer))
      expect(line.rule).toMatch(/101|Sec-WebSocket-Accept/)
    },
  )

  test('policies have their say', async () => {
    expect((await (await open(handshake('/closed'))).answer()).status).toBe(403)
    expect(seen).toEqual([])
  })

  test('an offer that is not allowed is left out of the request', async () => {
    for (const text of [handshake('/none'), handshake('/chat', '', 'h2c'), handshake('/inside')]) {
      const answer = await (await open(text)).answer()
      expect(answer.status).toBe(200)
    }
    expect(seen).toEqual([])
    expect(first.seen.at(-1)?.headers.join().toLowerCase()).not.toContain('upgrade')
  })

  test.each([
    ['another version', handshake('/chat').replace('13', '8'), 426],
    ['no version', handshake('/chat').replace(/Sec-WebSocket-Version.*\r\n/, ''), 400],
    ['no key', handshake('/chat').replace(/Sec-WebSocket-Key.*\r\n/, ''), 400],
    ['a short key', handshake('/chat').replace('dGhl', ''), 400],
    ['two keys', handshake('/chat', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'), 400],
    ['another method', handshake('/chat').replace('GET', 'POST'), 400],
    ['a body', `${handshake('/chat', 'Content-Length: 2\r\n')}hi`, 400],
  ])('a handshake with %s is refused', async (_what, text, status) => {
    const answer = await (await open(text)).answer()
    expect(answer.status).toBe(status)
    if (text.includes('Version: 8')) expect(field(answer, 'sec-websocket-version')).toBe('13')
    expect(seen).toEqual([])
  })

  test('without the option in Connection, or of HTTP/1.0, there is no offer', async () => {
    for (const text of [
      handshake('/chat').replace('keep-alive, Upgrade', 'keep-alive'),
      handshake('/chat').replace('HTTP/1.1', 'HTTP/1.0'),
    ])
      expect((await (await open(text)).answer()).status).toBe(200)
    expect(seen).toEqual([])
  })

  test('a client that leaves before the 101 leaves nothing behind', async () => {
    does = () => {}
    const client = await open(handshake('/chat'))
    await until(() => seen.length === 1)
    client.close()
    await until(() => seen[0]?.socket.readableEnded === true || seen[0]?.socket.destroyed === true)
  })
})
