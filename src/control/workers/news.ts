import type { Page } from '../../cells/pages.ts'
import type { Flight, FlightSummary } from '../../core/flight.ts'
import type { FromWorker } from '../../core/protocol.ts'
import type { PackedRecord } from '../../core/spans.ts'
import type { Log } from '../../lib/log.ts'
import type { Notices } from './notices.ts'
import type { WorkerSlot } from './slot.ts'

/** Where workers count. */
export interface WorkerCounts {
  /** A worker counts there from now on. */
  addPage(worker: number, page: Page): void
  /** A worker has told what it counts at a slot. */
  series(worker: number, message: Extract<FromWorker, { type: 'series' }>): void
  /** A worker has ended: what it counted stays. */
  fold(worker: number): void
}

/** Receivers of what workers report about their requests. */
export interface NewsTakers {
  readonly metrics: WorkerCounts
  readonly notices: Notices
  /** Failed and slow requests. */
  readonly flights: (flights: readonly Flight[]) => void
  /** Requests that operators look at, and how many more there were. */
  readonly tapped: (requests: readonly FlightSummary[], lost: number) => void
  /** What requests were recorded as spans. */
  readonly spans: (records: readonly PackedRecord[]) => void
  readonly log: Log
}

/** False: the message is for other receivers. */
export function takeNews(takers: NewsTakers, { thread, worker }: WorkerSlot, message: FromWorker): boolean {
  switch (message.type) {
    case 'series':
      takers.metrics.series(worker, message)
      return true
    case 'spans':
      takers.spans(message.records)
      thread?.post({ type: 'spans-taken', records: message.records.length })
      return true
    case 'notice':
      takers.notices.take(message.notice)
      return true
    case 'flights':
      takers.flights(message.flights)
      return true
    case 'tapped':
      takers.tapped(message.requests, message.lost)
      return true
    case 'log':
      takers.log[message.level](message.message, message.fields)
      return true
    default:
      return false
  }
}
