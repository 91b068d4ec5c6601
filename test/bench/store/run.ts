/**
 * `npm run bench:store [-- --write] [-- --folder FOLDER]`: how many writes per second a store acknowledges. Each is on disk
 * when it is; the file lies in FOLDER, by default that of temporary files: what counts is its disk. `--write`: into
 * docs/benchmarks.md.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Store } from '../../../src/core/store.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { StoreClient } from '../../../src/stores/calls/client.ts'
import { Hints } from '../../../src/stores/calls/hints.ts'
import { MemoryStore } from '../../../src/stores/memory/memory-store.ts'
import { SqliteStore, sqliteEntry } from '../../../src/stores/sqlite/sqlite-store.ts'
import { memoryLog } from '../../kit/log.ts'
import { withTables } from '../docs.ts'
import { machine } from '../machine.ts'
import { percentile } from '../median.ts'

const PAGE = new URL('../../../docs/benchmarks.md', import.meta.url)
const ROUND_MS = 3_000
const WARM_UP_MS = 1_000
/** Writes in flight, and bytes of each. */
const ROUNDS = [
  [1, 200],
  [16, 200],
  [64, 200],
  [512, 200],
  [64, 2048],
  [64, 65_536],
] as const
/** Keys that are written over and over: the file stays small. */
const KEYS = 4096
const MIB = 1_048_576

interface Written {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

async function write(store: Store, inFlight: number, bytes: number, ms: number): Promise<Written> {
  const value = new Uint8Array(bytes)
  const times: number[] = []
  let next = 0
  const begun = performance.now()
  const one = async (): Promise<void> => {
    while (performance.now() < begun + ms) {
      const at = performance.now()
      const answer = await store.put(`key ${next++ % KEYS}`, value)
      if (!('version' in answer)) throw new Error(JSON.stringify(answer))
      times.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, one))
  const perSecond = (1000 * times.length) / (performance.now() - begun)
  return { perSecond, p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
}

const { values } = parseArgs({
  options: { write: { type: 'boolean', default: false }, folder: { type: 'string', default: tmpdir() } },
})
const folder = await mkdtemp(join(values.folder, 'sluice-bench-'))
const clock = systemClock
const options = { file: join(folder, 'state.db'), bytes: 1024 * MIB, deadlineMs: 10_000, entry: sqliteEntry(), clock }
const sqlite = await SqliteStore.open({ ...options, log: memoryLog() })
if ('refused' in sqlite) throw new Error(sqlite.message)
const engines = { sqlite, memory: new MemoryStore({ bytes: 512 * MIB, clock }) }
const load = loadavg()[0]?.toFixed(2)
const rows: string[] = []
for (const [name, engine] of Object.entries(engines)) {
  const store = new StoreClient(engine.send, new Hints(() => {}), '')
  for (const [inFlight, bytes] of ROUNDS) {
    await write(store, inFlight, bytes, WARM_UP_MS)
    const { p50, p99, perSecond } = await write(store, inFlight, bytes, ROUND_MS)
    rows.push(`| ${name} | ${inFlight} | ${bytes} | ${Math.round(perSecond)} | ${p50.toFixed(2)} | ${p99.toFixed(2)} |`)
  }
}
await sqlite.close()
await rm(folder, { recursive: true, force: true })
const tables = `By \`npm run bench:store\` on ${new Date().toISOString().slice(0, 10)}: ${machine()}. Load average before: ${load}. Each
row ${ROUND_MS / 1000} s after ${WARM_UP_MS / 1000} s of warm-up.

| store | in flight | bytes | acknowledged writes/s | p50 ms | p99 ms |
|---|---:|---:|---:|---:|---:|
${rows.join('\n')}`
process.stdout.write(`${tables}\n`)
if (values.write) await writeFile(PAGE, withTables(await readFile(PAGE, 'utf8'), 'store', tables))
