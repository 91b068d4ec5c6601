import type { ResourceLimits } from 'node:worker_threads'
import type { PluginModule } from '../../core/plugin.ts'
import type { FromWorker } from '../../core/protocol.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ExitReason } from '../contract.ts'
import type { CellRegistry } from '../registry/registry.ts'
import type { NewsTakers } from './news.ts'
import type { StartWorker } from './running-worker.ts'
import type { WorkerSlot } from './slot.ts'

/** What a worker has from its start to its end: another config may need other workers. */
export interface Gear {
  /** Its code besides ours. */
  readonly plugins: readonly PluginModule[]
  /** Files and folders that it may read while it runs. */
  readonly reads: readonly string[]
}

/** With what the first workers are started with. */
export interface CrewOptions extends NewsTakers, Gear {
  readonly startWorker: StartWorker
  /** See `WorkerOptions`. */
  readonly state: string | undefined
  /** How many serve; numbers beyond are for those that take the place of others. */
  readonly workers: number
  readonly registry: CellRegistry
  /** Access-log rings, one per worker number; none: there is no access log. */
  readonly rings: readonly SharedArrayBuffer[]
  /** Requests in flight by route that ended with a worker and that it did not record. */
  readonly requestsLost: (worker: number, reason: ExitReason, requests: ReadonlyMap<string, number>) => void
  readonly limits: ResourceLimits
  /** Workers free dead read buffers before V8 does. */
  readonly earlyCollection: boolean
  readonly testHooks: boolean
  readonly clock: Clock
}

export interface CrewEvents {
  /** It speaks the protocol and has no config yet. */
  ready(slot: WorkerSlot): void
  message(slot: WorkerSlot, message: FromWorker): void
  /** It is gone, and what it held is given back. */
  gone(slot: WorkerSlot): void
  /** After each look at the heartbeats. */
  looked(): void
  /** No worker has served for 30 s. Called once. */
  lost(): void
}
