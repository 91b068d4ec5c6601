import type { Crowd } from '../../../core/flight.ts'
import { isUnavailable, type UnavailableReason } from '../../../core/link.ts'
import type { Counter } from '../../../core/series.ts'
import type { Store } from '../../../core/store.ts'
import type { Clock, ClockHandle } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { within } from '../../../lib/within.ts'
import { flightRecord, readRecord } from './flight-records.ts'
import type { FlightBatch, FlightKeeper, FlightProcess, KeptFlight } from './kept-flight.ts'

/** In the store of the gateway; then the crowd, and what puts them in the order of time. */
const PREFIX = 'flights/'
/** What was recorded since is forgotten when the process is killed. */
const FLUSH_MS = 1_000
/** While the store does not take them. */
const LONGEST_MS = 30_000
/** At the end of the process. */
const LAST_FLUSH_MS = 2_000
const BATCH_BYTES = 262_144
const BATCH_FLIGHTS = 256
/** Records that are read at once: at most {@link BATCH_BYTES} each, unless a single request was larger. */
const PAGE = 16
/** As a bound of what a file may contain. */
const MOST_RECORDS = 10_000

export interface FlightJournalOptions {
  readonly store: Store
  readonly process: FlightProcess
  /** Counts what made room for others before it was stored. */
  readonly lost: Pick<Counter, 'inc'>
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
}

/**
 * Stores kept requests in batches, one after the other. What waits is what is kept, so that it is bounded as that is: with a
 * slow store the oldest are displaced before they are stored, and counted.
 */
export class FlightJournal implements FlightKeeper {
  private readonly options: FlightJournalOptions
  private readonly waiting: Readonly<Record<Crowd, Set<KeptFlight>>> = {
    client: new Set(),
    refused: new Set(),
    attempted: new Set(),
  }
  private readonly empty = new Set<string>()
  private batches = 0
  private timer: ClockHandle = undefined
  private flushing: Promise<void> | undefined = undefined
  private delay = FLUSH_MS
  private failing = false
  private closed = false

  constructor(options: FlightJournalOptions) {
    this.options = options
  }

  /** What earlier processes have stored, the oldest first. */
  async *stored(): AsyncGenerator<readonly KeptFlight[]> {
    const { log, store } = this.options
    let after: string | undefined
    let records = 0
    do {
      const page = await store.scan(PREFIX, after === undefined ? { limit: PAGE } : { limit: PAGE, after })
      if (isUnavailable(page)) {
        log.warn('the requests that were kept before cannot be read', { reason: page.unavailable })
        return
      }
      for (const { key, value } of page.entries) {
        const flights = readRecord(key, value)
        if (flights.length === 0) this.empty.add(key)
        yield flights
      }
      records += page.entries.length
      after = page.after
    } while (after !== undefined && records < MOST_RECORDS)
  }

  kept(crowd: Crowd, flight: KeptFlight): void {
    this.waiting[crowd].add(flight)
    this.soon()
  }

  displaced(flights: readonly KeptFlight[]): void {
    for (const flight of flights) {
      const { batch } = flight
      if (batch === undefined) this.lose(flight)
      else if (--batch.left === 0) this.empty.add(batch.key)
    }
    this.soon()
  }

  /** Stores what is left, as far as that is possible in time, and ends. */
  close(): Promise<void> {
    const { clock } = this.options
    this.closed = true
    clock.cancel(this.timer)
    const rest = Promise.resolve(this.flushing).then(() => this.flush())
    return within(clock, LAST_FLUSH_MS, rest, () => {})
  }

  private lose(flight: KeptFlight): void {
    for (const crowd in this.waiting) {
      if (this.waiting[crowd as Crowd].delete(flight)) this.options.lost.inc()
    }
  }

  private soon(): void {
    if (this.timer !== undefined || this.flushing !== undefined || this.closed) return
    this.timer = this.options.clock.after(this.delay, () => {
      this.timer = undefined
      this.flushing = this.flush().finally(() => {
        this.flushing = undefined
        if (this.isWaiting) this.soon()
      })
    })
  }

  private get isWaiting(): boolean {
    const { attempted, client, refused } = this.waiting
    return attempted.size + client.size + refused.size + this.empty.size > 0
  }

  private async flush(): Promise<void> {
    const { store } = this.options
    for (const crowd of ['attempted', 'refused', 'client'] as const) {
      // Those that come meanwhile have their turn later.
      let left = this.waiting[crowd].size
      while (left > 0) {
        const flights = this.nextBatch(crowd)
        left -= flights.length
        if (flights.length === 0) break
        const reason = await this.store(crowd, flights)
        this.tell(reason)
        if (reason !== undefined) return
      }
    }
    for (const key of this.empty) {
      const done = await store.delete(key)
      if (isUnavailable(done)) return
      this.empty.delete(key)
    }
  }

  private nextBatch(crowd: Crowd): readonly KeptFlight[] {
    const flights: KeptFlight[] = []
    let bytes = 0
    for (const flight of this.waiting[crowd]) {
      bytes += flight.bytes
      if (flights.length === BATCH_FLIGHTS || (flights.length > 0 && bytes > BATCH_BYTES)) break
      flights.push(flight)
    }
    return flights
  }

  /** Why they were not stored; undefined: they were. */
  private async store(crowd: Crowd, flights: readonly KeptFlight[]): Promise<UnavailableReason | undefined> {
    const { process, store } = this.options
    const { pid, startedAt } = process
    const number = String(++this.batches).padStart(12, '0')
    const batch: FlightBatch = { key: `${PREFIX}${crowd}/${startedAt} ${pid}/${number}`, left: 0 }
    const texts = flights.map(({ text }) => text as string)
    const done = await store.put(batch.key, flightRecord(process, texts))
    if (isUnavailable(done)) {
      // It may have been written: without an owner it would stay.
      this.empty.add(batch.key)
      return done.unavailable
    }
    for (const flight of flights) {
      if (!this.waiting[crowd].delete(flight)) continue
      batch.left++
      flight.batch = batch
      flight.text = undefined
    }
    if (batch.left === 0) this.empty.add(batch.key)
    return undefined
  }

  private tell(reason: UnavailableReason | undefined): void {
    const { log } = this.options
    if (reason !== undefined && !this.failing)
      log.warn('kept requests cannot be stored: a restart forgets them', { reason })
    if (reason === undefined && this.failing) log.info('kept requests are stored again')
    this.failing = reason !== undefined
    this.delay = reason === undefined ? FLUSH_MS : Math.min(this.delay * 2, LONGEST_MS)
  }
}
