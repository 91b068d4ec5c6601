import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type HttpClient, httpClient } from '../../kit/client.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { handshake, upgradingUpstream } from '../../kit/upgrade.ts'
import type { TestUpstream } from '../../kit/upstream.ts'

const SHOP = 'Origin: https://shop.example.com\r\n'
const EVIL = 'Origin: https://evil.example\r\n'

let upstream: TestUpstream
let sluice: Sluice
const clients: HttpClient[] = []

beforeAll(async () => {
  upstream = await upgradingUpstream()
  const to = (route: string): string => `to: dead, retries: off, fallback: { route: ${route} }`
  const origins = 'origins: [https://shop.example.com]'
  sluice = await startSluice(`${ONE_WORKER}
upstreams: { dead: { endpoints: ["http://127.0.0.1:1"] }, one: { endpoints: ["${upstream.url}"] } }
routes:
  open: { match: { path: /open }, ${to('spare')} }
  closed: { match: { path: /closed }, ${to('spare')}, upgrades: off, websocket: { ${origins} } }
  shop: { match: { path: /shop }, ${to('spare')}, websocket: { ${origins} } }
  through: { match: { path: /through }, ${to('closed')} }
  echo: { match: { path: /echo }, ${to('plain')}, upgrades: [echo] }
  other: { match: { path: /other }, ${to('plain')}, upgrades: [websocket] }
  strict: { match: { path: /strict }, ${to('for-shop')} }
  spare: { match: { path: /spare }, to: one }
  for-shop: { match: { path: /for-shop }, to: one, websocket: { ${origins} } }
  plain: { match: { path: /plain }, to: one, upgrades: [websocket, echo], websocket: off }
`)
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await sluice.shows(/sluice_tunnels\{route="spare"\} 0\n/, /sluice_tunnels\{route="plain"\} 0\n/)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

async function answered(path: string, more: string, protocol?: string): Promise<HttpClient & { status: number }> {
  const client = await httpClient(sluice.port())
  clients.push(client)
  const { status } = await client.send(handshake(path, more, protocol)).answer()
  return Object.assign(client, { status })
}

test.each([
  ['upgrades: off', '/closed', EVIL, 'websocket', 200],
  ['upgrades: off, asked by a program', '/closed', '', 'websocket', 200],
  ['upgrades: off of a route on the way', '/through', EVIL, 'websocket', 200],
  ['a foreign origin', '/shop', EVIL, 'websocket', 403],
  // Where a fallback refuses, clients get the failure that it stood in for.
  ['a foreign origin at the fallback itself', '/strict', EVIL, 'websocket', 502],
  ['another of the protocols that were offered', '/other', '', 'echo', 200],
])(
  'a fallback opens nothing that the route in whose place it answers closes: %s',
  async (_what, path, more, protocol, status) => {
    const before = upstream.seen.length
    expect((await answered(path, more, protocol)).status).toBe(status)
    expect(upstream.seen.slice(before).filter(({ headers }) => /upgrade/i.test(headers.join()))).toEqual([])
  },
)

test.each([
  ['/open', EVIL, 'websocket'],
  ['/shop', SHOP, 'websocket'],
  ['/strict', SHOP, 'websocket'],
  ['/echo', '', 'websocket, echo'],
  ['/other', '', 'echo, websocket'],
])('a tunnel under a fallback is that of its own route: %s', async (path, more, protocol) => {
  const client = await answered(path, more, protocol)
  expect(client.status).toBe(101)
  // A frame, whether or not it is seen as one.
  client.send('\x81\x01x')
  await until(() => client.rest === '\x81\x01x')
})
