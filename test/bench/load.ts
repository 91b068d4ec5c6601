import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runPinned } from './child.ts'
import type { Latency, Peer, Scenario } from './contract.ts'

const GRACE_MS = 20_000

export interface Throughput {
  readonly requests: number
  readonly rps: number
  readonly errors: number
}

/** As many requests as the gateway takes, for `seconds`, by wrk. */
export async function saturate(
  core: number,
  port: number,
  scenario: Scenario,
  peer: Peer,
  seconds: number,
): Promise<Throughput> {
  const { script, connections, path } = scenario
  const file = script === undefined ? [] : ['-s', fileURLToPath(new URL(`lua/${script}`, import.meta.url))]
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, ...file, `http://127.0.0.1:${port}${path}`]
  if (script !== undefined) args.push('--', String(peer.routes ?? 1))
  return readWrk(await runPinned(core, { command: 'wrk', args }, seconds * 1000 + GRACE_MS))
}

/** What wrk printed, as numbers. */
export function readWrk(text: string): Throughput {
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0)
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)
  const broken = (sockets ?? []).slice(1).reduce((sum, count) => sum + Number(count), 0)
  return {
    requests: number(/(\d+) requests in/),
    rps: number(/Requests\/sec:\s+([\d.]+)/),
    errors: broken + number(/Non-2xx or 3xx responses: (\d+)/),
  }
}

/** Percentiles at `rate` requests a second, spread over all connections, by h2load's log of single requests. */
export async function pace(
  core: number,
  port: number,
  scenario: Scenario,
  rate: number,
  seconds: number,
  folder: string,
): Promise<Latency> {
  const { connections, path, postBytes } = scenario
  const log = join(folder, 'h2load.log')
  const perClient = Math.max(1, Math.round(rate / connections))
  const args = ['--h1', '-t1', `-c${connections}`, `-n${perClient * connections * seconds}`, `--rps=${perClient}`]
  args.push(`--log-file=${log}`)
  if (postBytes !== undefined) {
    const body = join(folder, 'body')
    await writeFile(body, 'x'.repeat(postBytes))
    args.push('-d', body)
  }
  args.push(`http://127.0.0.1:${port}${path}`)
  // The file is appended to.
  await writeFile(log, '')
  await runPinned(core, { command: 'h2load', args }, seconds * 2000 + GRACE_MS)
  return { rate: perClient * connections, ...readLog(await readFile(log, 'utf8')) }
}

/** Lines of start, status and microseconds; the answers of the first tenth open connections and are left out. */
export function readLog(text: string): { p50: number; p99: number } {
  const lines = text.trim().split('\n')
  const micros = lines.slice(Math.floor(lines.length / 10)).map((line) => Number(line.split('\t')[2]))
  micros.sort((a, b) => a - b)
  const at = (share: number): number => (micros[Math.ceil(micros.length * share) - 1] ?? Number.NaN) / 1000
  return { p50: at(0.5), p99: at(0.99) }
}
