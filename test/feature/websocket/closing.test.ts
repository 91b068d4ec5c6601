import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { httpClient } from '../../kit/client.ts'
import { type HookedGateway, hookedGateway } from '../../kit/gateway.ts'
import { goesLive } from '../../kit/reload.ts'
import { ONE_WORKER, type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { handshake, switched, upgradingUpstream } from '../../kit/upgrade.ts'
import {
  echoes,
  openWebSocket,
  type WebSocketEnd,
  type WebSocketUpstream,
  webSocketUpstream,
} from '../../kit/websocket.ts'

const DEFLATE = { perMessageDeflate: { threshold: 0 } }

/** Sends messages of all sizes, as fast as they go out, until it is closed. */
function load({ ws }: WebSocketEnd, largest: number): void {
  const more = (): void => {
    if (ws.readyState !== WebSocket.OPEN) return
    const message = randomBytes(1 + Math.floor(Math.random() * largest))
    ws.send(message, () => setTimeout(more, 1))
  }
  more()
}

function codes(ends: readonly WebSocketEnd[]): (number | undefined)[] {
  return [...new Set(ends.map(({ closed }) => closed?.code))]
}

describe('a drain', () => {
  test('closes 40 compressed WebSockets under load in both directions with 1001, spread over the time', async () => {
    const upstream = await webSocketUpstream((end) => {
      echoes(end)
      end.keeps = false
      load(end, 200_000)
    }, DEFLATE)
    const sluice = await startSluice(`${TOP.replace('timeout: 5s', 'timeout: 12s')}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes: { app: { match: { path: /* }, to: app } }
`)
    const clients = await Promise.all(Array.from({ length: 40 }, () => openWebSocket(sluice.port(), '/', DEFLATE)))
    const ends: number[] = []
    for (const client of clients) {
      client.keeps = false
      client.ws.on('close', () => ends.push(performance.now()))
      load(client, 90_000)
    }
    await until(() => clients.every(({ received }) => received > 100_000) && upstream.ends.length === 40)
    sluice.child.kill('SIGTERM')
    await until(() => [...clients, ...upstream.ends].every(({ closed }) => closed !== undefined), 'all ends', 60_000)
    expect([codes(clients), codes(upstream.ends)]).toEqual([[1001], [1001]])
    expect([...clients, ...upstream.ends].flatMap(({ errors }) => errors)).toEqual([])
    // Not all at once: 7 s are drawn from.
    expect(Math.max(...ends) - Math.min(...ends)).toBeGreaterThan(2_000)
    expect(await sluice.exited()).toBe(0)
    const lines = sluice.log.filter(({ status }) => status === 101)
    expect([lines.length, lines.filter(({ reason }) => reason !== undefined)]).toEqual([40, []])
    await sluice.stop()
    await upstream.close()
  }, 120_000)

  test('takes messages of the client to the upstream until the client has answered', async () => {
    const upstream = await webSocketUpstream(() => {})
    const sluice = await startSluice(`${ONE_WORKER}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes: { app: { match: { path: /* }, to: app } }
`)
    const client = await openWebSocket(sluice.port())
    const other = await upstream.end()
    // Sent by a timer up to its end; it counts what left before its answer.
    let sent = 0
    const more = setInterval(() => {
      if (client.ws.readyState !== WebSocket.OPEN) return clearInterval(more)
      client.ws.send(String(sent++))
    }, 0)
    await other.got(50)
    sluice.child.kill('SIGTERM')
    expect([(await client.ended()).code, (await other.ended()).code]).toEqual([1001, 1001])
    clearInterval(more)
    expect(other.messages).toEqual(Array.from({ length: sent }, (_, i) => String(i)))
    expect(await sluice.exited()).toBe(0)
    await sluice.stop()
    await upstream.close()
  })

  test('ends in time where a side reads nothing', async () => {
    const upstream = await webSocketUpstream(() => {})
    const sluice = await startSluice(`${ONE_WORKER.replace('timeout: 5s', 'timeout: 2s')}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes: { app: { match: { path: /* }, to: app } }
`)
    const client = await openWebSocket(sluice.port())
    const other = await upstream.end()
    client.ws.pause()
    for (let i = 0; i < 40; i++) other.ws.send(Buffer.alloc(2 ** 20))
    sluice.child.kill('SIGTERM')
    expect(await sluice.exited()).toBe(0)
    client.ws.resume()
    await client.ended()
    await other.ended()
    await sluice.stop()
    await upstream.close()
  })
})

describe('a reload', () => {
  let upstream: WebSocketUpstream
  let sluice: Sluice

  const yaml = (routes: string): string => `${ONE_WORKER.replace('timeout: 5s', 'timeout: 2s')}watch: off
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes:
${routes}
`
  const KEPT = '  kept: { match: { path: /kept }, to: app }'
  const CHANGING = '  changing: { match: { path: /changing }, to: app }'

  beforeAll(async () => {
    upstream = await webSocketUpstream()
    sluice = await startSluice(yaml(KEPT))
  })

  beforeEach(async () => {
    await goesLive(sluice, yaml(`${KEPT}\n${CHANGING}`))
  })

  afterAll(async () => {
    expect(await sluice?.stop()).toBe(0)
    await upstream?.close()
  })

  test.each([
    ['changes', `${CHANGING.replace('to: app', 'to: app, timeouts: { request: 9s }')}\n`],
    ['removes', ''],
  ])('that %s a route closes its WebSockets with 1001, and no others', async (_what, changed) => {
    const kept = await openWebSocket(sluice.port(), '/kept')
    const gone = await openWebSocket(sluice.port(), '/changing')
    const other = await upstream.end(upstream.ends.length - 1)
    await goesLive(sluice, yaml(`${changed}${KEPT}\n  more: { match: { path: /more }, to: app }`))
    expect([(await gone.ended()).code, (await other.ended()).code]).toEqual([1001, 1001])
    kept.ws.send('still here')
    expect(await kept.got(1)).toEqual(['still here'])
    // Longer than changed routes have.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    kept.ws.send('and here')
    expect(await kept.got(2)).toEqual(['still here', 'and here'])
    kept.ws.close(1000)
    await kept.ended()
  })
})

test('a reload and a drain close a WebSocket whose 101 comes after them, too', async () => {
  const waiting: (() => void)[] = []
  const heard: Buffer[] = []
  const upstream = await upgradingUpstream((req, socket) => {
    waiting.push(() => socket.write(switched(req)))
    socket.on('data', (chunk: Buffer) => {
      heard.push(chunk)
      // An upstream that does not answer is cut at the end of the drain, which may be what comes first.
      if (Buffer.concat(heard).length === 8) socket.end('\x88\x02\x03\xe9', 'latin1')
    })
  })
  const yaml = (more: string): string => `${ONE_WORKER.replace('timeout: 5s', 'timeout: 8s')}watch: off
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes: { app: { match: { path: /* }, to: app${more} } }
`
  const sluice = await startSluice(yaml(''))
  const acts = [
    () => goesLive(sluice, yaml(', timeouts: { request: 9s }')),
    async () => {
      sluice.child.kill('SIGTERM')
      await until(() => sluice.operational.some(({ message }) => message === 'draining'))
    },
  ]
  for (const [i, act] of acts.entries()) {
    heard.length = 0
    const client = (await httpClient(sluice.port())).send(handshake('/'))
    await until(() => waiting.length === i + 1)
    await act()
    waiting[i]?.()
    expect((await client.answer()).status).toBe(101)
    const close = '\x88\x02\x03\xe9'
    await until(() => client.rest === close)
    client.send(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]))
    await until(() => Buffer.concat(heard).length === 8)
    await client.ended()
    client.close()
  }
  expect(await sluice.exited()).toBe(0)
  const lines = sluice.log.filter(({ status }) => status === 101)
  expect(lines.map(({ ended_by, reason }) => [ended_by, reason])).toEqual([
    ['sluice', undefined],
    ['sluice', undefined],
  ])
  await upstream.close()
})

describe('workers', () => {
  let upstream: WebSocketUpstream
  let gateway: HookedGateway

  beforeEach(async () => {
    upstream = await webSocketUpstream()
    gateway = await hookedGateway(`${TOP}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes: { app: { match: { path: /* }, to: app } }
`)
  })

  afterEach(async () => {
    await gateway.stop()
    await upstream.close()
  })

  test('of which one ends: its WebSockets break on both sides, those of the other go on, and none stays counted', async () => {
    const clients = await Promise.all(Array.from({ length: 40 }, () => openWebSocket(gateway.port)))
    await gateway.shows('sluice_tunnels{route="app"} 40\n')
    gateway.gateway.hook(0, 'exit')
    await until(() => clients.some(({ closed }) => closed !== undefined))
    await until(async () =>
      (await gateway.workers()).every(({ restarts, state }) => state === 'serving' && restarts < 2),
    )
    const broken = clients.filter(({ closed }) => closed !== undefined)
    const alive = clients.filter(({ closed }) => closed === undefined)
    expect(codes(broken)).toEqual([1006])
    await until(() => upstream.ends.filter(({ closed }) => closed !== undefined).length === broken.length)
    for (const client of alive) client.ws.send('alive')
    for (const client of alive) expect(await client.got(1)).toEqual(['alive'])
    await gateway.shows(`sluice_tunnels{route="app"} ${alive.length}\n`)
    const again = await Promise.all(broken.map(() => openWebSocket(gateway.port)))
    for (const client of again) client.ws.send('again')
    for (const client of again) expect(await client.got(1)).toEqual(['again'])
    for (const client of [...alive, ...again]) client.ws.close(1000)
    await gateway.shows('sluice_tunnels{route="app"} 0\n')
  })
})
