import { systemClock } from '../../../src/lib/clock.ts'
import type { Length } from '../../../src/tools/drill/drill.ts'
import { Concurrency, DrillEndpoint } from '../../../src/tools/drill/endpoint.ts'
import { Metrics } from '../../../src/tools/drill/metrics.ts'
import { Pacer } from '../../../src/tools/drill/pacer.ts'
import { exactly, type Scenario } from '../../../src/tools/drill/scenario.ts'
import { descriptors } from '../../kit/descriptors.ts'
import { type Sluice, startSluice } from '../../kit/sluice.ts'
import { type TcpPeer, tcpConnect } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { top } from '../stage.ts'

const CLIENTS = 1000
const AT_ONCE = 50

interface Seen {
  /** Requests that the upstream had in hand before the clients went, and after. */
  readonly held: readonly [before: number, after: number]
  readonly cancelled: number
  readonly inFlight: number
  readonly connections: number
  /** File descriptors of the gateway that stayed. */
  readonly descriptors: number
  readonly othersFailed: number
  readonly opened: number
}

export const clientsVanish: Scenario<Seen> = {
  name: 'clients-vanish',
  title: 'A thousand clients vanish at once in the middle of their requests',
  topology:
    'Two routes: a thousand clients wait for an upstream that does not answer; another one gets 100 requests per second.',
  fault: 'All waiting clients close their connections at the same moment.',
  recovery: 'Attempts are cancelled at the upstream, places and sockets are free again; the upstream is not blamed.',
  expected: [
    exactly('requests that the upstream has before', CLIENTS, '', ({ held }) => held[0]),
    exactly('requests that it still has afterwards', 0, '', ({ held }) => held[1]),
    exactly('requests that are logged as 499', CLIENTS, '', ({ cancelled }) => cancelled),
    exactly('requests that the gateway holds afterwards', 0, '', ({ inFlight }) => inFlight),
    exactly('client connections afterwards', 0, '', ({ connections }) => connections),
    exactly('sockets that stay open', 0, '', (seen) => seen.descriptors),
    exactly('openings of the breaker', 0, '', ({ opened }) => opened),
    exactly('requests of the other route that failed', 0, '', ({ othersFailed }) => othersFailed),
  ],
}

export async function playClientsVanish(length: Length): Promise<Seen> {
  const concurrency = new Concurrency()
  const silent = await new DrillEndpoint(systemClock, { serviceMs: 0 }, concurrency).start()
  await silent.set('hangs')
  const well = await new DrillEndpoint(systemClock, { serviceMs: 5 }, new Concurrency()).start()
  const sluice = await startSluice(`${top(length)}upstreams:
  silent: { endpoints: ["http://127.0.0.1:${silent.port}"], connections: { max: ${2 * CLIENTS} } }
  well: { endpoints: ["http://127.0.0.1:${well.port}"], connections: { keepAlive: 500ms } }
routes:
  silent: { match: { path: /silent }, to: silent, timeouts: { request: 60s } }
  well: { match: { path: /well }, to: well }
`)
  try {
    return await vanish(sluice, concurrency, length === 'short' ? 33 : 100)
  } finally {
    await sluice.stop()
    await silent.stop()
    await well.stop()
  }
}

async function vanish(sluice: Sluice, concurrency: Concurrency, rate: number): Promise<Seen> {
  const scrape = async (): Promise<Metrics> => new Metrics((await sluice.probe('/metrics')).body)
  await scrape()
  const before = await descriptors(sluice.pid)
  const pacer = new Pacer(systemClock, sluice.port(), { name: 'well', path: '/well', rate })
  const clients = await connectAll(sluice.port(), concurrency)
  const heldBefore = concurrency.now
  // One that closes its side within 100 ms of its request may still read (halfClose: auto).
  await new Promise((resolve) => setTimeout(resolve, 300))
  for (const { socket } of clients) socket.destroy()
  await eventually(async () => concurrency.now === 0 && (await cancelledOf(scrape)) === CLIENTS)
  const heldAfter = concurrency.now
  pacer.stop()
  await eventually(() => pacer.underWay === 0)
  pacer.close()
  let metrics = await scrape()
  let left = 0
  // Idle connections to the upstream end, too.
  await eventually(async () => {
    metrics = await scrape()
    left = Math.max(0, (await descriptors(sluice.pid)) - before)
    return metrics.sum('sluice_connections') === 0 && left === 0
  })
  return {
    held: [heldBefore, heldAfter],
    cancelled: await cancelledOf(scrape),
    inFlight: metrics.sum('sluice_requests_in_flight'),
    connections: metrics.sum('sluice_connections'),
    descriptors: left,
    opened: metrics.sum('sluice_breaker_transitions_total'),
    othersFailed: pacer.outcomes.filter(({ status }) => status !== 200).length,
  }
}

async function cancelledOf(scrape: () => Promise<Metrics>): Promise<number> {
  return (await scrape()).sum('sluice_requests_total', { route: 'silent', status: '499' })
}

/** No more at a time than a queue of connections takes on a slow machine, too. */
async function connectAll(port: number, concurrency: Concurrency): Promise<TcpPeer[]> {
  const clients: TcpPeer[] = []
  while (clients.length < CLIENTS) {
    const more = await Promise.all(Array.from({ length: AT_ONCE }, () => tcpConnect(port)))
    for (const client of more) client.send('GET /silent HTTP/1.1\r\nHost: a.test\r\n\r\n')
    clients.push(...more)
    await eventually(() => concurrency.now === clients.length)
  }
  return clients
}

/** What does not come is seen in the numbers. */
async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  await until(condition).catch(() => {})
}
