import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { systemClock } from '../../src/lib/clock.ts'
import { Metrics } from '../../src/tools/drill/metrics.ts'
import { Pacer } from '../../src/tools/drill/pacer.ts'
import { quantile } from '../../src/tools/drill/run.ts'
import type { Http1 } from './ingress.ts'
import { startSluice, TOP } from './sluice.ts'
import { until } from './until.ts'
import { testUpstream } from './upstream.ts'
import { without } from './without.ts'

export const withoutSlowhttptest: boolean = without('slowhttptest', '-h')

const SERVICE_MS = 5
const PROBES_A_SECOND = 20
/** Bodies of uploads and answers, in bytes. A short upload waits for its end before an attempt, a long one does not. */
const SHORT = 8_000
const LONG_UPLOAD = 100_000
/** Over a loopback interface an answer must be larger than the buffers in between, or nobody waits for its reader. */
const LONG_ANSWER = 5_000_000

const BODIES: ReadonlyMap<string, Buffer> = new Map([
  ['/short', Buffer.alloc(SHORT)],
  ['/long', Buffer.alloc(LONG_ANSWER)],
])
const UPLOADS = ['-B', '-i', '5', '-x', '24', '-s']
const READERS = ['-X', '-w', '512', '-y', '1024', '-n', '1', '-z', '32']

/** Heads that never end, bodies that hardly move, and answers that are hardly read. */
const OPTIONS = {
  '-H': { options: ['-H', '-i', '5', '-x', '24'], path: '/' },
  '-B, 8 KB': { options: [...UPLOADS, String(SHORT)], path: '/short' },
  '-B, 100 KB': { options: [...UPLOADS, String(LONG_UPLOAD)], path: '/long' },
  '-X, 8 KB': { options: READERS, path: '/short' },
  '-X, 5 MB': { options: READERS, path: '/long' },
} as const

/** Of the tool; the size is that of the upload or of the answer. */
export type Mode = keyof typeof OPTIONS

export const MODES: readonly Mode[] = Object.keys(OPTIONS) as Mode[]

/** So many connections in one mode. */
export type Attack = readonly [mode: Mode, connections: number]

/** What attacks and another client beside them saw. */
export interface Attacked {
  /** The most client connections at a time. */
  readonly connections: number
  /** The most requests at a time that the gateway had. */
  readonly inFlight: number
  /** Of the other client, from another address. */
  readonly requests: number
  readonly failed: number
  readonly p99: number
  /** What the tool says of its own requests: how often that the service is available, and that it is not. */
  readonly available: number
  readonly unavailable: number
  /** Connections of the tool that the gateway closed, or that broke, before the tool ended. */
  readonly closed: number
}

export interface AttackOptions {
  /** Keys at the top of the config. */
  readonly more?: string
  /** What speaks HTTP/1.1; default: what listeners have. */
  readonly http1?: Http1
}

/** Attacks a gateway with default limits from 127.0.0.1, all at once, while another client asks it from 127.0.0.2. */
export async function attacked(
  attacks: readonly Attack[],
  seconds: number,
  { http1, more = '' }: AttackOptions = {},
): Promise<Attacked> {
  const endpoint = await testUpstream((request, response) => {
    const body = BODIES.get(request.url ?? '') ?? 'ok'
    request.on('end', () => setTimeout(() => response.end(body), SERVICE_MS))
  })
  const config = `${TOP.replace(/^workers: .*\n/m, '')}${more}upstreams:
  app: { endpoints: ["http://127.0.0.1:${endpoint.port}"] }
routes:
  app: { match: { path: /* }, to: app }
`
  const sluice = await startSluice(config, http1 === undefined ? {} : { env: { SLUICE_HTTP1: http1 } })
  const pacer = new Pacer(systemClock, sluice.port(), {
    name: 'other',
    path: '/',
    rate: PROBES_A_SECOND,
    from: '127.0.0.2',
  })
  const outputs: string[] = []
  const tools = attacks.map((attack) => start(attack, seconds, sluice.port(), outputs))
  const peak = { connections: 0, inFlight: 0 }
  try {
    let over = false
    const ended = Promise.all(tools.map((tool) => once(tool, 'close'))).then(() => {
      over = true
    })
    while (!over) {
      const metrics = new Metrics((await sluice.probe('/metrics')).body)
      peak.connections = Math.max(peak.connections, metrics.sum('sluice_connections'))
      peak.inFlight = Math.max(peak.inFlight, metrics.sum('sluice_requests_in_flight'))
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 250))])
    }
    pacer.stop()
    await until(() => pacer.underWay === 0, 'the other client has its answers')
  } finally {
    for (const tool of tools) tool.kill('SIGKILL')
    pacer.close()
    await sluice.stop()
    await endpoint.close()
  }
  const { outcomes } = pacer
  const said = outputs.flatMap((output) =>
    [...output.matchAll(/service available:.*?(YES|NO)/g)].map(([, word]) => word),
  )
  return {
    ...peak,
    requests: outcomes.length,
    failed: outcomes.filter(({ status }) => status !== 200).length,
    p99: quantile(
      outcomes.map(({ dueAt, endedAt }) => endedAt - dueAt),
      0.99,
    ),
    available: said.filter((word) => word === 'YES').length,
    unavailable: said.filter((word) => word === 'NO').length,
    closed: outputs.reduce((sum, output) => sum + lastClosed(output), 0),
  }
}

/** The tool counts again and again; colours stand between the words. */
function lastClosed(output: string): number {
  const plain = output.replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, '')
  return Number([...plain.matchAll(/closed:\s+(\d+)/g)].at(-1)?.[1] ?? 0)
}

/** `outputs` gets what it prints. */
function start([mode, connections]: Attack, seconds: number, port: number, outputs: string[]): ChildProcess {
  const { options, path } = OPTIONS[mode]
  const url = `http://127.0.0.1:${port}${path}`
  const common = ['-c', String(connections), '-r', '200', '-l', String(seconds), '-p', '5', '-u', url]
  const tool = spawn('slowhttptest', [...options, ...common], { stdio: ['ignore', 'pipe', 'ignore'] })
  const place = outputs.push('') - 1
  tool.stdout.setEncoding('latin1').on('data', (text: string) => {
    outputs[place] += text
  })
  return tool
}
