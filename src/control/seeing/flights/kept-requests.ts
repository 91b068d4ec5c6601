import type { WorkerMetrics } from '../../../core/series.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { GATEWAY, type Stores } from '../../../stores/stores.ts'
import { FlightJournal } from './flight-journal.ts'
import { FlightLog } from './flight-log.ts'

export interface KeptRequestsOptions {
  /** How many are kept. */
  readonly entries: () => number
  readonly stores: Pick<Stores, 'of' | 'durable'>
  /** Of the control plane. */
  readonly metrics: WorkerMetrics
  readonly clock: Clock
  readonly log: Log
}

/** The requests that the flight recorder keeps, of this process and of earlier ones. */
export class KeptRequests {
  readonly flights: FlightLog
  private readonly journal: FlightJournal | undefined

  constructor({ clock, entries, log, metrics, stores }: KeptRequestsOptions) {
    const recorder = { pid: process.pid, startedAt: new Date(clock.wall()).toISOString() }
    const lost = metrics.counter('sluice_flight_recorder_unstored_total', [])
    const journal = { store: stores.of('state', GATEWAY), process: recorder, lost, clock, log }
    this.journal = stores.durable ? new FlightJournal(journal) : undefined
    this.flights = new FlightLog({ entries, process: recorder, keeper: this.journal })
  }

  /** Takes over what earlier processes have stored; before anything is taken. */
  async restore(): Promise<void> {
    if (this.journal === undefined) return
    for await (const flights of this.journal.stored()) this.flights.restore(flights)
  }

  /** Stores what is left. */
  async close(): Promise<void> {
    await this.journal?.close()
  }
}
