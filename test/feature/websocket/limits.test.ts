import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { httpClient } from '../../kit/client.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { handshake, switched, upgradingUpstream } from '../../kit/upgrade.ts'
import { openWebSocket, type WebSocketUpstream, webSocketUpstream } from '../../kit/websocket.ts'

let upstream: WebSocketUpstream
/** Its ends do not answer Pings. */
let mute: WebSocketUpstream
let sluice: Sluice

beforeAll(async () => {
  upstream = await webSocketUpstream()
  mute = await webSocketUpstream(() => {}, { autoPong: false })
  sluice = await startSluice(`${ONE_WORKER}
upstreams:
  chat: { endpoints: ["${upstream.url}"] }
  mute: { endpoints: ["${mute.url}"] }
routes:
  ping: { match: { path: /ping }, to: chat, websocket: { ping: 1s } }
  mute: { match: { path: /mute }, to: mute, websocket: { ping: 1s } }
  idle: { match: { path: /idle }, to: chat, websocket: { idle: 1s } }
  small: { match: { path: /small }, to: chat, websocket: { maxFrame: 1KiB } }
`)
})

afterAll(async () => {
  expect(await sluice?.stop()).toBe(0)
  await upstream?.close()
  await mute?.close()
})

describe('ping', () => {
  test('asks both sides, whose Pongs do not reach each other', async () => {
    const client = await openWebSocket(sluice.port(), '/ping')
    const other = await upstream.end(upstream.ends.length - 1)
    await until(() => client.pings.length >= 3 && other.pings.length >= 3)
    expect([client.closed, other.closed, client.pongs, other.pongs]).toEqual([undefined, undefined, [], []])
    client.ws.ping('mine')
    await until(() => client.pongs.length === 1)
    expect([client.pongs, other.pings.at(-1)]).toEqual([['mine'], 'mine'])
    client.ws.send('still here')
    expect(await client.got(1)).toEqual(['still here'])
    client.ws.close(1000)
    expect((await other.ended()).code).toBe(1000)
    expect([client.errors, other.errors]).toEqual([[], []])
  })

  test('finds a client that is not there any more', async () => {
    const client = await openWebSocket(sluice.port(), '/ping', { autoPong: false })
    const other = await upstream.end(upstream.ends.length - 1)
    expect((await client.ended()).code).toBe(1001)
    expect((await other.ended()).code).toBe(1001)
    const line = await sluice.line(({ path, reason }) => path === '/ping' && reason !== undefined)
    expect(line).toMatchObject({ reason: 'client_gone' })
  })

  test('finds an upstream that is not there any more', async () => {
    const client = await openWebSocket(sluice.port(), '/mute')
    expect((await client.ended()).code).toBe(1001)
    expect(await sluice.line(({ path }) => path === '/mute')).toMatchObject({ reason: 'idle_timeout' })
    const story = await sluice.shows(/sluice_websocket_pings_total\{route="mute",to="upstream"\} [1-9]/)
    expect(story).toContain('sluice_websocket_closes_total{route="mute",by="sluice",code="1001"} 1')
  })
})

test('idle: a WebSocket without messages is closed with 1001 on both sides, however often it is pinged', async () => {
  const client = await openWebSocket(sluice.port(), '/idle')
  const other = await upstream.end(upstream.ends.length - 1)
  const pinging = setInterval(() => client.ws.ping(), 100)
  expect((await client.ended()).code).toBe(1001)
  expect((await other.ended()).code).toBe(1001)
  clearInterval(pinging)
  const line = await sluice.line(({ path }) => path === '/idle')
  expect([line.status, line.reason]).toEqual([101, undefined])
})

describe('maxFrame', () => {
  test('a larger frame closes both sides with 1009; fragments that fit pass', async () => {
    const client = await openWebSocket(sluice.port(), '/small')
    const other = await upstream.end(upstream.ends.length - 1)
    for (let i = 0; i < 4; i++) client.ws.send('f'.repeat(1024), { fin: i === 3 })
    await until(() => other.messages.length === 1)
    // Its echo is one frame.
    expect((await client.ended()).code).toBe(1009)
    expect((await other.ended()).code).toBe(1009)
    expect(await sluice.line(({ path }) => path === '/small')).toMatchObject({ reason: 'body_too_large' })
    expect([client.errors, other.errors]).toEqual([[], []])
  })

  test('where the upstream has closed without a code, it gets none, either', async () => {
    const got: Buffer[] = []
    const closing = await upgradingUpstream((req, socket) => {
      socket.write(switched(req))
      socket.write(Buffer.from([0x88, 0]))
      socket.on('data', (chunk: Buffer) => got.push(chunk))
    })
    const own = await startSluice(`${ONE_WORKER}
upstreams: { one: { endpoints: ["${closing.url}"] } }
routes: { small: { match: { path: /small }, to: one, websocket: { maxFrame: 1KiB } } }
`)
    const client = (await httpClient(own.port())).send(handshake('/small'))
    await client.answer()
    await until(() => client.rest === '\x88\x00')
    client.send(Buffer.concat([Buffer.from([0x82, 0xfe, 0x08, 0, 0, 0, 0, 0]), Buffer.alloc(2048)]))
    await until(() => Buffer.concat(got).length >= 6)
    expect([...Buffer.concat(got).subarray(0, 2)]).toEqual([0x88, 0x80])
    client.close()
    await own.stop()
    await closing.close()
  })

  test('of a client that says it sends 2^63 bytes, and goes on', async () => {
    const socket = connect(sluice.port(), '127.0.0.1')
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.write(
      'GET /small HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    )
    await until(() => text.endsWith('\r\n\r\n'))
    const other = await upstream.end(upstream.ends.length - 1)
    socket.write(Buffer.from('82ff800000000000000000000000', 'hex'))
    const more = setInterval(() => socket.write(Buffer.alloc(65_536)), 5)
    socket.on('error', () => clearInterval(more))
    expect((await other.ended()).code).toBe(1009)
    await until(() => text.endsWith('\x88\x02\x03\xf1'))
    await until(() => socket.destroyed || socket.readableEnded)
    clearInterval(more)
    socket.destroy()
  })
})
