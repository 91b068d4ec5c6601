/**
 * `npm run bench:reload [-- ROUTES UPSTREAMS]`: how long a large config takes to load, and how long a worker stands still
 * while another one goes live. 10,000 routes and 2,000 upstreams unless it says otherwise.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { Load } from '../../kit/load.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { machine } from '../machine.ts'
import { median, percentile } from '../median.ts'
import { stallsOf } from './stalls-of.ts'

const STALLS = fileURLToPath(new URL('stalls.ts', import.meta.url))
const LOADS = 7
const RELOADS = 10
const CALM_MS = 5_000

const [routes = 10_000, upstreams = 2_000] = process.argv.slice(2).map(Number)

/** `version`: each is another config; one route in a hundred differs. */
function large(version: number): string {
  const all = Array.from({ length: upstreams }, (_, i) => {
    return `  u${i}: { endpoints: ["http://127.0.0.1:1", "http://127.0.0.2:${1 + (i % 60_000)}"] }\n`
  })
  const leads = Array.from({ length: routes }, (_, i) => {
    const timeout = i % 100 === 0 ? `, timeouts: { request: ${5 + version}s }` : ''
    return `  r${i}: { match: { host: h${i % 500}.example.com, path: /s${i}/* }, to: u${i % upstreams}${timeout} }\n`
  })
  return `${ONE_WORKER}watch: off
upstreams:
${all.join('')}routes:
  probe: { match: { path: /probe }, respond: { status: 200 } }
${leads.join('')}`
}

async function loads(file: string): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < LOADS; i++) {
    const start = performance.now()
    const { config, diagnostics } = await loadConfig(file, loadDeps({}))
    times.push(performance.now() - start)
    if (config === undefined) throw new Error(diagnostics[0]?.message)
  }
  return times
}

async function reloads(sluice: Sluice): Promise<number[]> {
  const times: number[] = []
  for (let version = 1; version <= RELOADS; version++) {
    await writeFile(sluice.file, large(version))
    const start = performance.now()
    const { body, status } = await sluice.command('reload', {})
    times.push(performance.now() - start)
    if (status !== 200) throw new Error(body)
  }
  return times
}

const shown = (what: string, values: readonly number[], bound?: string): string =>
  `| ${what} | ${median(values).toFixed(0)} ms | ${percentile(values, 0.99).toFixed(0)} ms | ${bound ?? ''} |\n`

const folder = await mkdtemp(join(tmpdir(), 'sluice-reload-'))
const stalls = join(folder, 'stalls')
const sluice = await startSluice(large(0), {
  env: { NODE_OPTIONS: `--import ${STALLS}`, SLUICE_BENCH_STALLS: stalls },
})
try {
  const load = new Load({ port: sluice.port(), path: '/probe', parallel: 4, deadlineMs: 300_000 })
  await load.more(2_000)
  const calm = await stallsOf(stalls, () => new Promise((resolve) => setTimeout(resolve, CALM_MS)))
  let taken: number[] = []
  const busy = await stallsOf(stalls, async () => {
    taken = await reloads(sluice)
  })
  await load.stop()
  process.stdout.write(`${routes} routes, ${upstreams} upstreams; ${machine()}

| | median | p99 | |
|---|---:|---:|---|
${shown('load and check', await loads(sluice.file), 'at most 2 s')}${shown('a reload, until it is live', taken)}${shown('longest stall of a worker within 50 ms, calm', calm)}${shown('the same while configs go live', busy)}
longest stall of the worker: ${Math.max(...busy).toFixed(0)} ms in ${RELOADS} reloads (calm: ${Math.max(...calm).toFixed(0)} ms; at most 50 ms)
requests meanwhile: ${load.answered}, failed: ${load.broken.length}
`)
} finally {
  await sluice.stop()
  await rm(folder, { recursive: true })
}
