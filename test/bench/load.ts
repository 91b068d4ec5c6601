import { fileURLToPath } from 'node:url'
import { runPinned } from './child.ts'
import type { Latency, Peer, Scenario } from './contract.ts'
import type { Paced, Plan } from './pacer.ts'

const GRACE_MS = 20_000
const PACER = fileURLToPath(new URL('pacer.ts', import.meta.url))

export interface Throughput {
  readonly requests: number
  readonly rps: number
  readonly errors: number
}

/** The gateway to load, from which core, and until when at most. */
export interface Target {
  readonly core: number
  readonly port: number
  readonly peer: Peer
  readonly scenario: Scenario
  readonly signal: AbortSignal
}

/** As many requests as the gateway takes, for `seconds`, by wrk. Rejects when wrk fails. */
export async function saturate({ core, port, scenario, peer, signal }: Target, seconds: number): Promise<Throughput> {
  const { script, connections, path } = scenario
  const file = script === undefined ? [] : ['-s', fileURLToPath(new URL(`lua/${script}`, import.meta.url))]
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, ...file, `http://127.0.0.1:${port}${path}`]
  if (script !== undefined) args.push('--', String(peer.routes ?? 1))
  return readWrk(await runPinned(core, { command: 'wrk', args }, seconds * 1000 + GRACE_MS, signal))
}

/** What wrk printed, as numbers. Throws for anything else. */
export function readWrk(text: string): Throughput {
  const number = (pattern: RegExp): number | undefined => {
    const found = pattern.exec(text)?.[1]
    return found === undefined ? undefined : Number(found)
  }
  const requests = number(/(\d+) requests in/)
  const rps = number(/Requests\/sec:\s+([\d.]+)/)
  if (requests === undefined || rps === undefined) throw new Error(`not what wrk prints: ${text.slice(0, 500)}`)
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)
  const broken = (sockets ?? []).slice(1).reduce((sum, count) => sum + Number(count), 0)
  return { requests, rps, errors: broken + (number(/Non-2xx or 3xx responses: (\d+)/) ?? 0) }
}

/** Percentiles at `rate` requests per second over all connections. Rejects when the tool fails. */
export async function pace({ core, port, scenario, signal }: Target, rate: number, seconds: number): Promise<Latency> {
  const { path, connections, postBytes } = scenario
  const plan: Plan = { port, path, connections, rate, seconds, postBytes }
  const launch = { command: process.execPath, args: [PACER, JSON.stringify(plan)] }
  const { p50, p99, late, errors } = JSON.parse(
    await runPinned(core, launch, seconds * 1000 + GRACE_MS, signal),
  ) as Paced
  return { rate, p50, p99, late, errors }
}
