import { systemClock } from '../../../src/lib/clock.ts'
import type { Length } from '../../../src/tools/drill/drill.ts'
import { Metrics } from '../../../src/tools/drill/metrics.ts'
import { Pacer } from '../../../src/tools/drill/pacer.ts'
import { type DrillOutcome, quantile } from '../../../src/tools/drill/run.ts'
import { atLeast, type Expectation, exactly, type Scenario, timeAtMost } from '../../../src/tools/drill/scenario.ts'
import { blackHole } from '../../kit/blackhole.ts'
import { descriptors } from '../../kit/descriptors.ts'
import { startSluice } from '../../kit/sluice.ts'
import { closedPort, type TcpPeer, type TcpServer, tcpServer } from '../../kit/tcp.ts'
import { testAuthority } from '../../kit/tls.ts'
import { until } from '../../kit/until.ts'
import { top } from '../stage.ts'

interface Wrong {
  /** What the endpoint does. */
  readonly does: string
  /** The answer: status and reason; 0 is a broken one. */
  readonly status: number
  readonly reason: string
  /** Which deadline ends it, in milliseconds; 0: it fails at once. */
  readonly deadlineMs: number
  readonly secure?: boolean
  readonly script?: (peer: TcpPeer) => void
}

const RATE = 20
const CONNECT_MS = 2000
const REQUEST_MS = 3000
const IDLE_MS = 500
const SLACK_MS = 100
const BYTE_EVERY_MS = 1000
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n'

/** Bytes of a text one a second, as long as somebody listens. */
function dribble(peer: TcpPeer, text: string): void {
  let at = 0
  const timer = setInterval(() => peer.send(text[at++ % text.length] as string), BYTE_EVERY_MS)
  peer.socket.on('close', () => clearInterval(timer))
}

/** Fields without end, as fast as they are read. */
function endlessFields(peer: TcpPeer): void {
  const more = (): void => {
    while (!peer.socket.destroyed && peer.socket.write(`x-more: ${'x'.repeat(1000)}\r\n`));
  }
  peer.socket.on('drain', more)
  peer.send('HTTP/1.1 200 OK\r\n')
  more()
}

/** Once a request has come. */
function asked(then: (peer: TcpPeer) => void): (peer: TcpPeer) => void {
  return (peer) => void peer.socket.once('data', () => then(peer))
}

const FAULTS: Readonly<Record<string, Wrong>> = {
  refuse: { does: 'refuses connections', status: 502, reason: 'connect_refused', deadlineMs: 0 },
  blackhole: {
    does: 'does not answer the first packet',
    status: 504,
    reason: 'connect_timeout',
    deadlineMs: CONNECT_MS,
  },
  reset: {
    does: 'resets each connection',
    status: 502,
    reason: 'upstream_reset',
    deadlineMs: 0,
    script: asked((peer) => peer.reset()),
  },
  'half-close': {
    does: 'closes its side and never answers',
    status: 502,
    reason: 'upstream_reset',
    deadlineMs: 0,
    script: asked((peer) => peer.end()),
  },
  'slow-head': {
    does: 'sends its head, one byte per second',
    status: 504,
    reason: 'deadline_exceeded',
    deadlineMs: REQUEST_MS,
    script: asked((peer) => dribble(peer, HEAD)),
  },
  'slow-body': {
    does: 'sends its body, one byte per second',
    status: 0,
    reason: 'broken',
    deadlineMs: IDLE_MS,
    script: asked((peer) => {
      peer.send(`${HEAD}\r\n`)
      dribble(peer, 'x')
    }),
  },
  'no-tls': { does: 'does not speak TLS', status: 502, reason: 'tls_error', deadlineMs: 0, secure: true },
  'bad-certificate': {
    does: 'shows a certificate that is not trusted',
    status: 502,
    reason: 'tls_error',
    deadlineMs: 0,
    secure: true,
  },
  garbage: {
    does: 'answers with garbage',
    status: 502,
    reason: 'bad_response',
    deadlineMs: 0,
    script: asked((peer) => peer.end('\u0000\u0001 this is no HTTP\r\n\r\n')),
  },
  'endless-headers': {
    does: 'sends header fields without end',
    status: 502,
    reason: 'bad_response',
    deadlineMs: 0,
    script: asked(endlessFields),
  },
}

interface Seen {
  readonly outcomes: ReadonlyMap<string, readonly DrillOutcome[]>
  readonly held: number
  readonly descriptors: number
}

function expectations([name, wrong]: [string, Wrong]): Expectation<Seen>[] {
  const { does, status, reason, deadlineMs } = wrong
  const of = ({ outcomes }: Seen): readonly DrillOutcome[] => outcomes.get(name) ?? []
  const named = status === 0 ? 'a broken answer' : `${status} ${reason}`
  return [
    exactly(`it ${does}: answers other than ${named}`, 0, '', (seen) => {
      return of(seen).filter((outcome) => outcome.status !== status || outcome.reason !== reason).length
    }),
    timeAtMost(`it ${does}: the median`, deadlineMs + SLACK_MS, 'ms', (seen) => {
      return quantile(
        of(seen).map(({ dueAt, endedAt }) => endedAt - dueAt),
        0.5,
      )
    }),
  ]
}

export const connectionFaults: Scenario<Seen> = {
  name: 'connection-faults',
  title: 'Everything that can be wrong with a connection',
  topology: `A route and an upstream of one endpoint for each fault, each with ${RATE} requests per second, without retries and breaker; ${CONNECT_MS} ms to connect, ${REQUEST_MS} ms for a request, ${IDLE_MS} ms of silence in a body.`,
  fault: 'Each endpoint misbehaves in its way from the start, all at the same time.',
  recovery: 'None: they stay broken. Nothing of it stays behind in the gateway.',
  expected: [
    atLeast('requests at each', RATE, '', ({ outcomes }) => {
      return Math.min(...Object.keys(FAULTS).map((name) => outcomes.get(name)?.length ?? 0))
    }),
    ...Object.entries(FAULTS).flatMap(expectations),
    exactly('requests and connections that the gateway holds afterwards', 0, '', ({ held }) => held),
    exactly('sockets that stay open', 0, '', (seen) => seen.descriptors),
  ],
}

export async function playConnectionFaults(length: Length): Promise<Seen> {
  const servers: TcpServer[] = []
  const hole = await blackHole()
  const listen = async (script?: (peer: TcpPeer) => void, untrusted = false): Promise<number> => {
    const server = await tcpServer(script, untrusted ? testAuthority().issue('127.0.0.1') : undefined)
    servers.push(server)
    return server.port
  }
  const ports: Record<string, number> = { refuse: await closedPort(), blackhole: hole.port }
  ports['no-tls'] = await listen(asked((peer) => peer.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
  ports['bad-certificate'] = await listen(undefined, true)
  for (const [name, { script }] of Object.entries(FAULTS)) if (script !== undefined) ports[name] = await listen(script)
  try {
    return await play(ports, length)
  } finally {
    for (const server of servers) await server.close()
    await hole.close()
  }
}

function configOf(ports: Readonly<Record<string, number>>, length: Length): string {
  const names = Object.keys(FAULTS)
  const scheme = (name: string): string => (FAULTS[name]?.secure === true ? 'https' : 'http')
  const upstreams = names.map((name) => [
    name,
    { endpoints: [`${scheme(name)}://127.0.0.1:${ports[name]}`], timeouts: { connect: `${CONNECT_MS}ms` } },
  ])
  const routes = names.map((name) => [name, { match: { path: `/${name}` }, to: name }])
  const timeouts = { request: `${REQUEST_MS}ms`, idle: `${IDLE_MS}ms` }
  return `${top(length)}defaults: { route: { retries: off, circuitBreaker: off, timeouts: ${JSON.stringify(timeouts)} } }
upstreams: ${JSON.stringify(Object.fromEntries(upstreams))}
routes: ${JSON.stringify(Object.fromEntries(routes))}
`
}

async function play(ports: Readonly<Record<string, number>>, length: Length): Promise<Seen> {
  const sluice = await startSluice(configOf(ports, length))
  const scrape = async (): Promise<Metrics> => new Metrics((await sluice.probe('/metrics')).body)
  try {
    await scrape()
    const before = await descriptors(sluice.pid)
    const [rate, ms] = length === 'short' ? [RATE / 2, 2500] : [RATE, 8000]
    const pacers = Object.keys(FAULTS).map((name) => {
      return new Pacer(systemClock, sluice.port(), { name, path: `/${name}`, rate })
    })
    await new Promise((resolve) => setTimeout(resolve, ms))
    for (const pacer of pacers) pacer.stop()
    await eventually(() => pacers.every(({ underWay }) => underWay === 0))
    for (const pacer of pacers) pacer.close()
    let held = 0
    let left = 0
    await eventually(async () => {
      const metrics = await scrape()
      held = metrics.sum('sluice_requests_in_flight') + metrics.sum('sluice_connections')
      left = Math.max(0, (await descriptors(sluice.pid)) - before)
      return held === 0 && left === 0
    })
    const outcomes = new Map(pacers.map((pacer, i) => [Object.keys(FAULTS)[i] as string, pacer.outcomes]))
    return { outcomes, held, descriptors: left }
  } finally {
    await sluice.stop()
  }
}

/** What does not come is seen in the numbers. */
async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  await until(condition).catch(() => {})
}
