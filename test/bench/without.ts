/**
 * Cuts one stage out of Sluice for `npm run bench -- --costs`: `SLUICE_BENCH_WITHOUT=STAGE node --import without.ts …`.
 * It is loaded in every thread before anything else. Only the bench does this: none of these stages can be switched off.
 */

import { syncBuiltinESMExports } from 'node:module'
import { fileURLToPath } from 'node:url'
import threads, { isMainThread, type WorkerOptions } from 'node:worker_threads'
import { Counter, Histogram } from '../../src/core/series.ts'
import { Forwarder } from '../../src/data/engine/forward.ts'
import { RouteTable } from '../../src/data/routing/table.ts'
import { AccessLog } from '../../src/data/seeing/access-log.ts'
import { Recorder } from '../../src/data/seeing/recorder.ts'
import { RequestIdentity } from '../../src/data/seeing/request-identity.ts'

const TRACEPARENT = '00-00000000000000000000000000000001-0000000000000001-00'

export const CUTS = {
  'access log': () => {
    AccessLog.prototype.write = () => {}
  },
  metrics: () => {
    Counter.prototype.inc = () => {}
    Histogram.prototype.observe = () => {}
  },
  'log and metrics': () => {
    Recorder.prototype.finish = () => {}
    Recorder.prototype.attempt = () => {}
  },
  'correlation and trace': () => {
    RequestIdentity.prototype.identify = (ex) => {
      ex.client = ex.downstream.peer.address
      ex.traceparent = TRACEPARENT
      return false
    }
  },
  'forwarded fields': () => {
    Forwarder.prototype.headers = (ex) => endToEnd(ex.headers)
  },
  /** Only while there is one route: its first hit is everyone's. */
  'route look-up': () => {
    const { find } = RouteTable.prototype
    let hit: ReturnType<typeof find>
    RouteTable.prototype.find = function (...asked) {
      hit ??= find.apply(this, asked)
      return hit
    }
  },
} as const

export type Stage = keyof typeof CUTS

/** What must not be passed on of the bench's own requests. */
function endToEnd(headers: readonly string[]): string[] {
  const out: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    if (name !== 'host' && name !== 'connection' && name !== 'content-length')
      out.push(headers[i] as string, headers[i + 1] as string)
  }
  return out
}

const stage = process.env.SLUICE_BENCH_WITHOUT
if (stage !== undefined) {
  if (!Object.hasOwn(CUTS, stage)) throw new Error(`no stage ${stage}; there are ${Object.keys(CUTS).join(', ')}`)
  CUTS[stage as Stage]()
  if (isMainThread) loadInWorkers(stage)
}

/** Workers have an environment and options of their own, and may not read this file. */
function loadInWorkers(stage: string): void {
  const { Worker } = threads
  threads.Worker = class extends Worker {
    constructor(script: string | URL, options: WorkerOptions = {}) {
      const { execArgv = [] } = options
      const own = ['--import', import.meta.url, `--allow-fs-read=${fileURLToPath(import.meta.url)}`]
      const loading = { env: { SLUICE_BENCH_WITHOUT: stage }, execArgv: [...execArgv, ...own] }
      super(script, execArgv.includes('--permission') ? { ...options, ...loading } : options)
    }
  }
  syncBuiltinESMExports()
}
