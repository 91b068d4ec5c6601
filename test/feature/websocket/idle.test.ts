import { afterAll, beforeAll, expect, test } from 'vitest'
import { rss } from '../../kit/memory.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { openWebSocket, type WebSocketEnd, type WebSocketUpstream, webSocketUpstream } from '../../kit/websocket.ts'

/** `npm run bench:websocket` holds 9,000, with their ends in other processes. */
const COUNT = 400
/** Bytes: a tenth is what the bench shows; a buffer for each would be more. */
const MOST_EACH = 128 * 1024

let upstream: WebSocketUpstream
let sluice: Sluice

beforeAll(async () => {
  upstream = await webSocketUpstream()
  sluice = await startSluice(`${ONE_WORKER}
upstreams: { app: { endpoints: ["${upstream.url}"], connections: { max: 1000 } } }
routes: { app: { match: { path: /* }, to: app, bulkhead: { maxConcurrent: 100 }, websocket: { ping: 1s } } }
`)
})

afterAll(async () => {
  expect(await sluice?.stop()).toBe(0)
  await upstream?.close()
})

async function open(count: number): Promise<WebSocketEnd[]> {
  const ends: WebSocketEnd[] = []
  while (ends.length < count)
    ends.push(...(await Promise.all(Array.from({ length: 50 }, () => openWebSocket(sluice.port())))))
  return ends
}

test('hundreds of idle WebSockets are held, asked by Pings, and still talk', async () => {
  const first = await open(100)
  const before = await rss(sluice.pid)
  const all = [...first, ...(await open(COUNT - 100))]
  await until(() => all.every(({ pings }) => pings.length >= 3))
  expect(((await rss(sluice.pid)) - before) / (COUNT - 100)).toBeLessThan(MOST_EACH)
  await sluice.shows(`sluice_tunnels{route="app"} ${COUNT}\n`, `sluice_streams{route="app"} ${COUNT}\n`)
  for (const { ws } of all) ws.send('still here')
  for (const end of all) expect(await end.got(1)).toEqual(['still here'])
  for (const { ws } of all) ws.close(1000)
  await sluice.shows(
    'sluice_tunnels{route="app"} 0\n',
    'sluice_streams{route="app"} 0\n',
    `sluice_websocket_closes_total{route="app",by="client",code="1000"} ${COUNT}\n`,
  )
  expect(upstream.ends.flatMap(({ errors }) => errors)).toEqual([])
})
