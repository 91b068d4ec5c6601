import type { Config } from '../config/language/config.ts'
import type { AnyFeature } from '../core/feature.ts'
import type { WorkerMetrics } from '../core/series.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Stores } from '../stores/stores.ts'
import type { LoadedHalf } from './control-halves.ts'
import type { OwnAddress } from './endpoints/finding/own.ts'
import type { Machine } from './machine/machine.ts'
import type { LogThread } from './seeing/log/log-thread.ts'
import type { MetricsRegistry } from './seeing/metrics/metrics-registry.ts'
import type { StateChange } from './workers/notices.ts'
import type { StartWorker } from './workers/running-worker.ts'

export interface DataSideOptions {
  readonly config: Config
  /** Where secrets may be. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly features: readonly AnyFeature[]
  /** Of these. */
  readonly halves: readonly LoadedHalf[]
  readonly workers: number
  readonly reusePort: boolean
  readonly machine: Machine
  readonly startWorker: StartWorker
  readonly testHooks: boolean
  /** Moves access logs out of the rings; undefined: there is no access log. */
  readonly startLogs:
    | ((rings: readonly SharedArrayBuffer[], onError: (error: unknown) => void) => LogThread)
    | undefined
  /** V8 is left as it is, whatever the config says. */
  readonly guest?: boolean
  readonly metrics: MetricsRegistry
  /** What the control plane itself counts in. */
  readonly ownMetrics: WorkerMetrics
  readonly stores: Stores
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly told?: { state(change: StateChange): void } | undefined
  /** Addresses of the control plane, which no upstream may have. */
  readonly own: () => readonly OwnAddress[]
  readonly onLost: () => void
}
