import { createHash, randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LOST_END } from '../../kit/lost-end.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import {
  openWebSocket,
  refusal,
  type WebSocketEnd,
  type WebSocketUpstream,
  webSocketUpstream,
} from '../../kit/websocket.ts'

const MIB = 2 ** 20

const UPGRADE =
  'GET /half HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

let plain: WebSocketUpstream
let deflating: WebSocketUpstream
let refusing: TestUpstream
/** Reads until the end, and answers then. */
let half: TestUpstream
let heard = Buffer.alloc(0)
let sluice: Sluice

beforeAll(async () => {
  plain = await webSocketUpstream()
  const protocols = {
    handleProtocols: (offered: Set<string>) => (offered.has('chat.v2') ? 'chat.v2' : (false as const)),
  }
  deflating = await webSocketUpstream(undefined, { perMessageDeflate: { threshold: 0 }, ...protocols })
  refusing = await testUpstream((_request, answer) => void answer)
  refusing.server.on('upgrade', (_request, socket) => {
    socket.end('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 9\r\n\r\nno ticket')
  })
  half = await testUpstream()
  half.server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64')
    const head = `HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
    setTimeout(() => socket.write(head), request.url === '/half?late' ? 100 : 0)
    socket.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk])
    })
    socket.on('end', () => socket.end('\x81\x04read', 'latin1'))
  })
  sluice = await startSluice(`${ONE_WORKER}
upstreams:
  plain: { endpoints: ["${plain.url}"] }
  deflating: { endpoints: ["${deflating.url}"] }
  refusing: { endpoints: ["${refusing.url}"] }
  half: { endpoints: ["${half.url}"] }
routes:
  plain: { match: { path: /plain }, to: plain }
  deflating: { match: { path: /deflating }, to: deflating }
  refusing: { match: { path: /refusing }, to: refusing }
  half: { match: { path: /half }, to: half }
  own: { match: { path: /own }, to: plain, websocket: { origins: [https://shop.example.com, "*.partner.example"] } }
  off: { match: { path: /off }, to: plain, websocket: off }
`)
})

afterAll(async () => {
  expect(await sluice?.stop()).toBe(0)
  await plain?.close()
  await deflating?.close()
  await refusing?.close()
  await half?.close()
})

/** A client and the end of the upstream that it reached. */
async function pair(path = '/plain', upstream = plain): Promise<[client: WebSocketEnd, upstream: WebSocketEnd]> {
  const index = upstream.ends.length
  const client = await openWebSocket(sluice.port(), path)
  return [client, await upstream.end(index)]
}

describe('messages', () => {
  test('come back as they were sent: text, binary, empty, in their order', async () => {
    const [client] = await pair()
    const sent = ['hello', '', 'ü', Buffer.from([0, 1, 255]), 'x'.repeat(125), 'y'.repeat(126), 'z'.repeat(70_000)]
    for (const message of sent) client.ws.send(message)
    expect(await client.got(sent.length)).toEqual(sent)
    client.ws.close(1000)
    expect((await client.ended()).code).toBe(1000)
  })

  test('of 16 MiB', async () => {
    const [client] = await pair()
    const large = randomBytes(16 * MIB)
    client.ws.send(large)
    const [back] = await client.got(1)
    expect(large.equals(back as Buffer)).toBe(true)
    client.ws.terminate()
  })

  test('in fragments, with a Ping between them', async () => {
    const [client, upstream] = await pair()
    client.ws.send('a', { fin: false })
    client.ws.send('b', { fin: false })
    client.ws.ping('between')
    client.ws.send('c', { fin: true })
    expect(await client.got(1)).toEqual(['abc'])
    expect([upstream.pings, client.pongs]).toEqual([['between'], ['between']])
    client.ws.terminate()
  })

  test('compressed: the sides agree, and the gateway sees no more than frames', async () => {
    const client = await openWebSocket(sluice.port(), '/deflating', {
      perMessageDeflate: { threshold: 0 },
      protocols: ['chat.v1', 'chat.v2'],
    })
    expect([client.ws.extensions, client.ws.protocol]).toEqual(['permessage-deflate', 'chat.v2'])
    const random = randomBytes(300_000)
    client.ws.send('repeat '.repeat(100_000))
    client.ws.send(random)
    const [text, binary] = await client.got(2)
    expect([text, random.equals(binary as Buffer)]).toEqual(['repeat '.repeat(100_000), true])
    const bytes = await counted('payload_bytes_total', { route: 'deflating', from: 'client', kind: 'text' })
    expect(bytes).toBeGreaterThan(0)
    expect(bytes).toBeLessThan(100_000)
    client.ws.close(1000)
    await client.ended()
  })

  test('are counted by side and kind', async () => {
    const labels = { route: 'plain', from: 'client', kind: 'binary' } as const
    const [frames, bytes] = [await counted('frames_total', labels), await counted('payload_bytes_total', labels)]
    const [client] = await pair()
    for (let i = 0; i < 20; i++) client.ws.send(Buffer.alloc(1_000))
    await client.got(20)
    client.ws.terminate()
    await until(async () => (await counted('frames_total', labels)) === frames + 20)
    expect(await counted('payload_bytes_total', labels)).toBe(bytes + 20_000)
  })
})

describe('a Close', () => {
  test.each([1000, 1001, 1008, 1011, 3000, 4321])('with %i goes through from either side', async (code) => {
    for (const first of [0, 1]) {
      const ends = await pair()
      ends[first]?.ws.close(code, 'a reason')
      expect(await ends[(1 - first) as 0 | 1].ended()).toEqual({ code, reason: 'a reason' })
      expect((await ends[first as 0 | 1].ended()).code).toBe(code)
    }
    await sluice.shows(/sluice_websocket_closes_total\{route="plain",by="client",code="\w+"\} [1-9]/)
  })

  test('without a code is 1005 at the other side, and none 1006', async () => {
    const [client, upstream] = await pair()
    client.ws.close()
    expect((await upstream.ended()).code).toBe(1005)
    const [dying, alone] = await pair()
    dying.ws.terminate()
    expect((await alone.ended()).code).toBe(1006)
  })

  test('is in the log with who closed, and the frames of both sides', async () => {
    const client = await openWebSocket(sluice.port(), '/plain?logged')
    client.ws.send('one')
    await client.got(1)
    client.ws.close(4002)
    await client.ended()
    const line = await sluice.line(({ query }) => query === '?logged')
    expect(line).toMatchObject({
      status: 101,
      upgrade: 'websocket',
      ended_by: 'client',
      frames_in: 2,
      frames_out: 2,
      close_code_client: 4002,
      close_code_upstream: 4002,
    })
  })
})

describe('an end without Close', () => {
  test('of the upstream is one at the client: a reset or a FIN, no made-up code', async () => {
    const [client, upstream] = await pair()
    upstream.ws.terminate()
    expect((await client.ended()).code).toBe(1006)
    const [other] = await pair()
    const [socket] = [...plain.sockets].slice(-1)
    socket?.resetAndDestroy()
    expect((await other.ended()).code).toBe(1006)
    await sluice.shows(/sluice_websocket_closes_total\{route="plain",by="upstream",code="1006"\} [1-9]/)
  })

  test('of one direction leaves the other open', async () => {
    const socket = connect({ port: sluice.port(), host: '127.0.0.1', allowHalfOpen: true })
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.write(UPGRADE)
    await until(() => text.endsWith('\r\n\r\n'))
    socket.end(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61]))
    // What the upstream says when it has read all, and then its FIN.
    await until(() => text.endsWith('\x81\x04read') && socket.readableEnded)
    expect(heard.toString('hex')).toBe('818100000000' + '61')
  })
})

test('a client that closes its direction before the 101 gets none, and nothing of it is left', async () => {
  const socket = connect({ port: sluice.port(), host: '127.0.0.1', allowHalfOpen: true })
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.end(UPGRADE.replace('/half', '/half?late'))
  await until(() => socket.readableEnded)
  expect(text).toMatch(/^HTTP\/1\.1 400 /)
  expect(await sluice.line(({ query }) => query === '?late')).toMatchObject({ status: 400, reason: 'bad_request' })
  await sluice.shows('sluice_tunnels{route="half"} 0\n')
  expect(sluice.operational.filter(({ level }) => level === 'error')).toEqual([])
})

describe('an upstream that refuses', () => {
  test('is heard as it is', async () => {
    const refused = await refusal(openWebSocket(sluice.port(), '/refusing'))
    expect([refused.status, refused.body, refused.headers['www-authenticate']]).toEqual([401, 'no ticket', 'Bearer'])
  })
})

describe('origins', () => {
  test.each([
    ['https://shop.example.com', true],
    ['http://a.partner.example:3000', true],
    ['https://evil.example', false],
    ['null', false],
    [undefined, true],
  ])('%s: %s', async (origin, may) => {
    const seen = plain.requests.length
    const opening = openWebSocket(sluice.port(), '/own', { ...(origin !== undefined && { origin }) })
    if (may) {
      const client = await opening
      client.ws.send('in')
      await client.got(1)
      client.ws.terminate()
      return
    }
    const { body, status } = await refusal(opening)
    expect([status, JSON.parse(body).reason, plain.requests.length]).toEqual([403, 'forbidden', seen])
  })
})

test('websocket: off is a plain tunnel', async () => {
  const [client] = await pair('/off')
  client.ws.send('plain')
  expect(await client.got(1)).toEqual(['plain'])
  client.ws.close(1000)
  await client.ended()
  expect((await sluice.probe('/metrics')).body).not.toContain('route="off",from=')
})

test('no exchange was lost', () => {
  expect(sluice.operational.filter(({ error }) => error === LOST_END)).toEqual([])
})

/** A series of the metrics of WebSockets. */
async function counted(
  metric: 'frames_total' | 'payload_bytes_total',
  labels: Readonly<Record<'route' | 'from' | 'kind', string>>,
): Promise<number> {
  const text = (await sluice.probe('/metrics')).body
  const series = Object.entries(labels).map(([name, value]) => `${name}="${value}"`)
  const found = new RegExp(`^sluice_websocket_${metric}\\{${series.join(',')}\\} (\\d+)$`, 'm').exec(text)
  return Number(found?.[1] ?? 0)
}
