import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { rss } from '../../kit/memory.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { settle, until } from '../../kit/until.ts'
import { echo, type Serve, WsClient, WsEndpoint } from './managed-kit.ts'

const endpoints: WsEndpoint[] = []
const clients: WsClient[] = []
let sluice: Sluice | undefined

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.terminate()
  for (const endpoint of endpoints.splice(0)) await endpoint.die()
  await sluice?.stop()
  sluice = undefined
})

async function endpoint(name: string, serve: Serve = echo, port = 0): Promise<WsEndpoint> {
  const made = await WsEndpoint.start(name, serve, port)
  endpoints.push(made)
  return made
}

async function gone(one: WsEndpoint): Promise<void> {
  endpoints.splice(endpoints.indexOf(one), 1)
  await one.die()
}

/** One attempt for each that the session asks for, so that they can be counted. */
function config(managed: string, route = '', upstream = ''): string {
  const urls = endpoints.map(({ port }) => `http://127.0.0.1:${port}`).join(', ')
  return `${ONE_WORKER}
upstreams: { chat: { endpoints: [${urls}]${upstream && `, ${upstream}`} } }
routes:
  chat: { match: { path: /chat }, to: chat, retries: off, websocket: { managed: ${managed} }${route && `, ${route}`} }
  other: { match: { path: /other }, to: chat }
`
}

async function gateway(...how: Parameters<typeof config>): Promise<Sluice> {
  sluice = await startSluice(config(...how))
  return sluice
}

async function client(protocols: readonly string[] = []): Promise<WsClient> {
  const made = new WsClient((sluice as Sluice).port(), '/chat', protocols)
  clients.push(made)
  return made.opened()
}

const QUICK = '{ reconnect: { max: 4, backoff: { base: 50ms, cap: 100ms } } }'
const reconnects = (outcome: string, count: number | string): RegExp =>
  new RegExp(`sluice_websocket_reconnects_total\\{route="chat",outcome="${outcome}"\\} ${count}\n`)

test('An endpoint dies: the other one gets the frames of the config, then what was sent meanwhile, in order.', async () => {
  const [a, b] = [await endpoint('a'), await endpoint('b')]
  const running = await gateway(
    `{ reconnect: { backoff: { base: 500ms, cap: 1s } }, onReconnect: ['subscribe 1', 'subscribe 2'] }`,
  )
  const one = await client()
  one.send('hello')
  const [first = ''] = await one.gets(1)
  const [old, next] = first.startsWith('a') ? [a, b] : [b, a]
  await gone(old)
  for (let i = 0; i < 20; i++) one.send(`message ${i}`)
  await one.gets(23)
  expect(next.got).toEqual(['subscribe 1', 'subscribe 2', ...Array.from({ length: 20 }, (_, i) => `message ${i}`)])
  expect(one.closed).toBeUndefined()
  one.socket.close(4000, 'done')
  expect(await one.ends()).toBe('4000 done')
  await running.shows(reconnects('replaced', 1), 'sluice_websocket_reconnecting{route="chat"} 0')
  const line = await running.line(({ route, kind }) => route === 'chat' && kind === undefined)
  expect(line).toMatchObject({ status: 101 })
  expect(await running.line(({ kind }) => kind === 'connect')).toMatchObject({ status: 101, feature: 'websocket' })
})

test('The endpoint that dropped its connection is asked last, although it takes new ones.', async () => {
  const [a, b] = [await endpoint('a'), await endpoint('b')]
  await gateway(QUICK)
  const one = await client()
  for (let i = 0; i < 4; i++) {
    one.send(`${i}`)
    const got = await one.gets(i + 1)
    const at = got[i]?.startsWith('a') ? a : b
    expect(got[i]).toBe(`${i % 2 === 0 ? got[0]?.[0] : got[1]?.[0]}: ${i}`)
    at.drop()
    await until(() => (at === a ? b : a).open === 1)
  }
  expect(new Set(one.got.map((text) => text[0])).size).toBe(2)
})

test('The only endpoint is started again: the client sees nothing of it.', async () => {
  const a = await endpoint('a')
  const { port } = a
  await gateway('{ reconnect: { max: 100, backoff: { base: 20ms, cap: 50ms } } }')
  const one = await client()
  await gone(a)
  one.send('are you there?')
  await settle()
  await endpoint('again', echo, port)
  expect(await one.gets(1)).toEqual(['again: are you there?'])
})

test('All endpoints are gone: after its attempts in a row the client gets 1012, and the log says why.', async () => {
  const [a, b] = [await endpoint('a'), await endpoint('b')]
  const running = await gateway(QUICK)
  const one = await client()
  await gone(a)
  await gone(b)
  one.send('lost')
  expect(await one.ends()).toBe('1012 no upstream can be reached')
  await running.shows(
    reconnects('failed', 4),
    reconnects('given_up', 1),
    'sluice_websocket_reconnecting{route="chat"} 0',
  )
  const line = await running.line(({ route, kind }) => route === 'chat' && kind === undefined)
  expect(line.reason).toBe('connect_refused')
  const story = (await running.admin(`/api/v1/requests/${line.request_id}`)).body
  expect(story).toMatch(
    /connection was lost, because it (ended without a Close|was reset), and not replaced by 4 attempts/,
  )
  expect(story).toContain('no other upstream connection took the place of the one that was lost')
})

test('A circuit breaker that is open refuses these attempts, too.', async () => {
  const a = await endpoint('a')
  const running = await gateway(
    '{ reconnect: { max: 12, backoff: { base: 20ms, cap: 20ms } } }',
    'circuitBreaker: { minRequests: 3, errorRate: 50%, openFor: 60s }',
  )
  const one = await client()
  await gone(a)
  expect(await one.ends()).toBe('1012 no upstream can be reached')
  const line = await running.line(({ route, kind }) => route === 'chat' && kind === undefined)
  expect(line.reason).toBe('breaker_open')
})

test('The subprotocol is that of the upstream, and a replacement must choose the same one.', async () => {
  const a = await endpoint('a')
  const { port } = a
  await gateway('{ reconnect: { max: 3, backoff: { base: 20ms, cap: 20ms } } }')
  const one = await client(['v1', 'v2'])
  expect(one.socket.protocol).toBe('v2')
  const plain = await client()
  expect(plain.socket.protocol).toBe('')
  await gone(a)
  await endpoint('again', echo, port)
  one.send('x')
  expect(await one.gets(1)).toEqual(['again: x'])
  expect(a.requests[0]?.headers['sec-websocket-protocol']).toBe('v1,v2')
})

test('Extensions are offered to neither side.', async () => {
  const a = await endpoint('a')
  await gateway(QUICK)
  const one = await client()
  expect(one.socket.extensions).toBe('')
  expect(a.requests[0]?.headers['sec-websocket-extensions']).toBeUndefined()
  const large = Buffer.alloc(500_000, 'x')
  one.send(large)
  expect(await one.gets(1)).toEqual(['a: 500000 bytes'])
})

test('An upstream that claims an extension is heard without it, and is no replacement.', async () => {
  const a = await endpoint('a')
  a.claims = 'permessage-deflate'
  const running = await gateway('{ reconnect: { max: 2, backoff: { base: 20ms, cap: 20ms } } }')
  const one = await client()
  expect(one.socket.extensions).toBe('')
  one.send('x')
  expect(await one.gets(1)).toEqual(['a: x'])
  a.drop()
  expect(await one.ends()).toBe('1012 no upstream can be reached')
  await running.shows(reconnects('failed', 2))
})

test('A refused handshake goes to the client as it is; one of a replacement ends with 1012.', async () => {
  const a = await endpoint('a')
  await gateway(QUICK)
  const one = await client()
  a.refuses = 401
  await expect(client()).rejects.toThrow('401')
  a.drop()
  expect(await one.ends()).toBe('1012 no upstream can be reached')
})

test('Of a client that leaves while there is no upstream nothing is left.', async () => {
  const a = await endpoint('a')
  const { port } = a
  const running = await gateway('{ reconnect: { max: 1000, backoff: { base: 50ms, cap: 50ms } } }')
  const many = await Promise.all(Array.from({ length: 20 }, () => client()))
  await gone(a)
  await running.shows('sluice_websocket_reconnecting{route="chat"} 20')
  for (const [i, { socket }] of many.entries()) {
    if (i % 2 === 0) socket.close()
    else socket.terminate()
  }
  await running.shows('sluice_websocket_reconnecting{route="chat"} 0', 'sluice_tunnels{route="chat"} 0')
  const again = await endpoint('again', echo, port)
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(again.requests.length).toBe(0)
})

/** A client that writes whatever bytes a test likes behind its handshake. */
async function rawClient(): Promise<{ socket: Socket; bytes: () => Buffer }> {
  const socket = connect((sluice as Sluice).port(), '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {})
  socket.write(
    'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  await until(() => Buffer.concat(chunks).includes('\r\n\r\n'))
  const at = Buffer.concat(chunks).indexOf('\r\n\r\n') + 4
  return { socket, bytes: () => Buffer.concat(chunks).subarray(at) }
}

test('Hostile frames of a client end that client only; those of an upstream cost it its connection.', async () => {
  let hostile = true
  await endpoint('a', (socket, self) => {
    echo(socket, self)
    if (!hostile) return
    hostile = false
    // A masked frame of a server.
    self.raw.at(-1)?.write(Buffer.from([0x81, 0x81, 1, 2, 3, 4, 5]))
  })
  const running = await gateway(QUICK)
  const good = await client()
  good.send('x')
  expect(await good.gets(1)).toEqual(['a: x'])
  for (const bytes of [
    Buffer.from([0x81, 1, 65]),
    Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 65]),
    Buffer.from([0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]),
    Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x7f, 255, 255, 255, 0, 0, 0, 0]),
    Buffer.from([0x88, 0x81, 0, 0, 0, 0, 1]),
  ]) {
    const { bytes: got, socket } = await rawClient()
    socket.write(bytes)
    await until(() => socket.destroyed || socket.readableEnded)
    expect(got()[0]).toBe(0x88)
    socket.destroy()
  }
  good.send('still here')
  expect(await good.gets(2)).toEqual(['a: x', 'a: still here'])
  await running.shows('sluice_tunnels{route="chat"} 1', reconnects('replaced', 1))
})

test('One byte between many Pongs, again and again, is a message that ends its client.', async () => {
  await endpoint('a')
  const running = await gateway('{ maxMessage: 64KiB }')
  const before = await rss(running.pid)
  const { bytes, socket } = await rawClient()
  const pong = Buffer.concat([Buffer.from([0x8a, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125)])
  const pongs = Buffer.concat(Array.from({ length: 480 }, () => pong))
  const gone = (): boolean => socket.destroyed || socket.readableEnded || bytes().length > 0
  for (let i = 0; i < 600 && !gone(); i++) {
    socket.write(Buffer.concat([Buffer.from([i === 0 ? 0x01 : 0x00, 0x81, 0, 0, 0, 0, 0x61]), pongs]))
    await settle()
  }
  await until(gone)
  expect(bytes().subarray(0, 1).toString('hex')).toBe('88')
  expect(bytes().readUInt16BE(2)).toBe(1008)
  expect((await rss(running.pid)) - before).toBeLessThan(60_000_000)
  socket.destroy()
  expect(await running.line(({ path }) => path === '/chat')).toMatchObject({ reason: 'bad_request' })
})

test('A side that does not read holds the other one back: the memory of the gateway has a bound.', async () => {
  const part: Buffer = Buffer.alloc(64_000)
  let push: (() => void) | undefined
  await endpoint('a', (socket) => {
    socket.on('message', (data) => {
      if (String(data) === 'stop') socket.pause()
      if (String(data) === 'flood') {
        push = () => socket.send(part)
      }
    })
  })
  const running = await gateway(QUICK)
  const before = await rss(running.pid)
  const reader = await client()
  reader.send('flood')
  await until(() => push !== undefined)
  reader.socket.pause()
  for (let i = 0; i < 2000; i++) push?.()
  const writer = await client()
  writer.send('stop')
  for (let i = 0; i < 2000; i++) writer.send(part)
  await new Promise((resolve) => setTimeout(resolve, 1500))
  expect(writer.socket.bufferedAmount).toBeGreaterThan(90_000_000)
  expect((await rss(running.pid)) - before).toBeLessThan(60_000_000)
  reader.socket.resume()
  await reader.gets(2000)
})

test('A drain closes clients with 1001, those without an upstream, too.', async () => {
  const a = await endpoint('a')
  const running = await gateway('{ reconnect: { max: 1000, backoff: { base: 10s, cap: 10s } } }')
  const lost = await client()
  a.drop()
  await running.shows('sluice_websocket_reconnecting{route="chat"} 1')
  const open = await client()
  open.send('x')
  await open.gets(1)
  running.child.kill('SIGTERM')
  expect(await lost.ends()).toBe('1001')
  expect(await open.ends()).toBe('1001')
  expect(await running.exited()).toBe(0)
})

test('A reload keeps them where their route stays, and closes them with 1001 where it changes.', async () => {
  await endpoint('a')
  const running = await gateway(QUICK)
  const one = await client()
  const text = config(QUICK)
  await writeFile(running.file, text.replace('/other', '/another'))
  await running.command('reload', {})
  for (const endpoint of endpoints) endpoint.drop()
  one.send('x')
  expect(await one.gets(1)).toEqual(['a: x'])
  await writeFile(running.file, text.replace('max: 4', 'max: 5'))
  await running.command('reload', {})
  expect(await one.ends()).toBe('1001')
})

test('Many clients lose an endpoint at once, and none is lost.', async () => {
  const [a, b] = [await endpoint('a'), await endpoint('b')]
  const running = await gateway('{ reconnect: { max: 10, backoff: { base: 200ms, cap: 500ms } } }')
  const many = await Promise.all(Array.from({ length: 100 }, () => client()))
  for (const at of [a, b, a]) {
    const open = a.open + b.open
    at.drop()
    // What is under way to the endpoint at that moment is lost: no client waits for an answer to this one.
    for (const one of many) one.send('perhaps')
    await until(() => a.open + b.open === open)
  }
  await running.shows('sluice_tunnels{route="chat"} 100', 'sluice_websocket_reconnecting{route="chat"} 0')
  for (const [i, one] of many.entries()) one.send(`${i}`)
  await until(() => many.every(({ got }, i) => got.at(-1)?.endsWith(`: ${i}`)))
  expect(many.filter(({ closed }) => closed !== undefined)).toEqual([])
  expect(a.open + b.open).toBe(100)
})
