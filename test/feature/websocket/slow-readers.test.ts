import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { rss } from '../../kit/memory.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { openWebSocket, type WebSocketEnd, type WebSocketUpstream, webSocketUpstream } from '../../kit/websocket.ts'

const MIB = 2 ** 20
const OFFERED = 200 * MIB
const MESSAGE = Buffer.alloc(MIB / 4, 'm')
/** What sockets of the machine, and of the gateway, may hold of it in all. */
const MOST_TAKEN = 64 * MIB
const MOST_GROWN = 32 * MIB

let upstream: WebSocketUpstream
let sluice: Sluice

beforeAll(async () => {
  upstream = await webSocketUpstream(() => {})
  sluice = await startSluice(`${ONE_WORKER}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes:
  app: { match: { path: /plain }, to: app, websocket: { ping: 1s } }
  managed: { match: { path: /managed }, to: app, websocket: { ping: 1s, managed: {} } }
`)
})

afterAll(async () => {
  expect(await sluice?.stop()).toBe(0)
  await upstream?.close()
})

/** Sends as much as is taken, and at most as much as is offered. */
class Flood {
  sent = 0
  private readonly end: WebSocketEnd

  constructor(end: WebSocketEnd) {
    this.end = end
    this.more()
  }

  /** Bytes that have left the end. */
  get taken(): number {
    return this.sent - this.end.ws.bufferedAmount
  }

  private more(): void {
    const { ws } = this.end
    if (this.sent >= OFFERED || ws.readyState !== WebSocket.OPEN) return
    this.sent += MESSAGE.length
    ws.send(MESSAGE, () => this.more())
  }
}

test.each([
  ['a client', 0, '/plain'],
  ['an upstream', 1, '/plain'],
  ['a client', 0, '/managed'],
  ['an upstream', 1, '/managed'],
] as const)(
  '%s (%i, %s) that does not read holds up the other side, not the memory of the gateway',
  async (_who, slow, path) => {
    const opened = upstream.ends.length
    const client = await openWebSocket(sluice.port(), path)
    const ends = [client, await upstream.end(opened)] as const
    const reader = ends[slow]
    const writer = ends[slow === 0 ? 1 : 0]
    reader.keeps = false
    // Both have met, and what that takes is loaded.
    writer.ws.send('hello')
    await until(() => reader.received > 0)
    reader.ws.pause()
    const before = await rss(sluice.pid)
    const flood = new Flood(writer)
    let last = -1
    // It stands still: for longer than a Ping waits for its answer.
    for (let still = 0; still < 6; ) {
      await new Promise((resolve) => setTimeout(resolve, 500))
      still = flood.taken === last ? still + 1 : 0
      last = flood.taken
    }
    expect(flood.taken).toBeGreaterThan(0)
    expect(flood.taken).toBeLessThan(MOST_TAKEN)
    expect((await rss(sluice.pid)) - before).toBeLessThan(MOST_GROWN)
    reader.ws.resume()
    await until(
      () => reader.received >= OFFERED,
      () => `all of it; received ${reader.received}, ${JSON.stringify(reader.closed)}`,
    )
    expect([reader.closed, writer.closed, reader.errors, writer.errors]).toEqual([undefined, undefined, [], []])
    client.ws.close(1000)
    expect((await ends[1].ended()).code).toBe(1000)
  },
  120_000,
)
