/**
 * Writes how long event loops of worker threads stood still: `NODE_OPTIONS='--import stalls.ts' SLUICE_BENCH_STALLS=FILE …`.
 * A line for each thread and 50 ms: thread and milliseconds.
 */
import { appendFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread, threadId } from 'node:worker_threads'

const EVERY_MS = 50
const file = process.env.SLUICE_BENCH_STALLS

if (!isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  setInterval(() => {
    appendFileSync(file, `${threadId} ${(delay.max / 1e6).toFixed(1)}\n`)
    delay.reset()
  }, EVERY_MS).unref()
}
