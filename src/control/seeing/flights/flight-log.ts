import { NotFound, readQuery } from '../../../core/command.ts'
import { FAILURES } from '../../../core/failures.ts'
import {
  type Crowd,
  crowdOf,
  type Flight,
  type FlightFilter,
  type FlightSummary,
  passes,
} from '../../../core/flight.ts'
import type { ReadCall } from '../../../core/operation.ts'
import { object, optional, withDefault } from '../../../schema/composites.ts'
import { suggestion } from '../../../schema/diagnostics.ts'
import { integer, oneOf, parsed, pattern, text } from '../../../schema/scalars.ts'
import type { FlightKeeper, FlightProcess, KeptFlight } from './kept-flight.ts'

const MAX_BYTES = 8 * 1_048_576
/** Failures that clients cause, and requests refused before any attempt, take at most this share of the places each. */
const SHARE = 0.25

/** `5xx`, or one status. */
const status = parsed('a status such as 503, or a class of them such as 5xx', (value) => {
  if (/^[1-5]xx$/.test(value)) return [Number(value[0]) * 100, Number(value[0]) * 100 + 99] as const
  return /^[1-5]\d\d$/.test(value) ? ([Number(value), Number(value)] as const) : { problem: '' }
})

/** A reason that is not in the table never occurs. */
const reason = parsed('a reason such as upstream_reset', (value) => {
  if (Object.hasOwn(FAILURES, value)) return value
  const near = suggestion(value, Object.keys(FAILURES))
  return { problem: near === undefined ? '' : `did you mean ${near}?` }
})

/** Which requests to show, in a query. */
export const FILTER_FIELDS = {
  route: optional(text('the name of a route, or -'), 'Name of the route; - for those that matched none.'),
  method: optional(pattern('a method such as GET', /^[A-Z]{1,20}$/), 'Method of the requests.'),
  status: optional(status, 'Status of the requests, or its class.'),
  reason: optional(reason, 'Reason of the failure.'),
} as const

/** What {@link FlightLog.list} reads. */
export const LISTING = object({
  ...FILTER_FIELDS,
  why: optional(oneOf('failed', 'slow'), 'Only failed requests, or only slow ones.'),
  limit: withDefault(integer(1, 1000), 100, 'Maximum number of requests.'),
})

/** Of a request that is kept, the process that recorded it; `current`: this one. */
interface Recorded {
  readonly process: FlightProcess & { readonly current: boolean }
}

export interface FlightLogOptions {
  /** How many are kept. */
  readonly entries: () => number
  /** This one. */
  readonly process: FlightProcess
  /** undefined: they are kept in memory only. */
  readonly keeper: FlightKeeper | undefined
}

/** The latest failed and slow requests of all workers, bounded in number and bytes. */
export class FlightLog {
  private readonly options: FlightLogOptions
  /**
   * The oldest first. An open breaker refuses more requests than ever failed to open it: the failed ones must stay in
   * sight.
   */
  private readonly kept: Readonly<Record<Crowd, KeptFlight[]>> = { client: [], refused: [], attempted: [] }

  constructor(options: FlightLogOptions) {
    this.options = options
  }

  take(flights: readonly Flight[]): void {
    const { keeper, process } = this.options
    for (const flight of flights) {
      const text = JSON.stringify(flight)
      const kept: KeptFlight = { flight, bytes: text.length, process, text: keeper && text, batch: undefined }
      const crowd = crowdOf(flight.origin ?? undefined, flight.attempts)
      this.kept[crowd].push(kept)
      keeper?.kept(crowd, kept)
    }
    this.bound()
  }

  /** Of an earlier process; the oldest first, before anything is taken. */
  restore(flights: readonly KeptFlight[]): void {
    for (const kept of flights) this.kept[crowdOf(kept.flight.origin ?? undefined, kept.flight.attempts)].push(kept)
    this.bound()
  }

  /** The latest first, without their stories. */
  list({ query }: ReadCall): { readonly requests: readonly (FlightSummary & Recorded)[] } {
    const { limit, why, ...filter } = readQuery(LISTING, query)
    const requests: (FlightSummary & Recorded)[] = []
    for (const kept of this.latest()) {
      const { flight } = kept
      if (requests.length === limit) break
      if (passes(filter as FlightFilter, flight) && (why ?? flight.why) === flight.why)
        requests.push({ ...summary(flight), ...this.recorded(kept) })
    }
    return { requests }
  }

  /** Those with this request or correlation ID, the latest first. Throws {@link NotFound}. */
  find({ params }: ReadCall): { readonly requests: readonly (Flight & Recorded)[] } {
    const { id = '' } = params
    const requests = this.latest()
      .filter(({ flight }) => flight.requestId === id || flight.correlationId === id)
      .map((kept) => ({ ...kept.flight, ...this.recorded(kept) }))
    if (requests.length > 0) return { requests }
    throw new NotFound(
      'no request with this ID is kept: only the latest failed and slow ones are; look for it in the access log',
    )
  }

  private latest(): KeptFlight[] {
    return Object.values(this.kept)
      .flat()
      .sort((a, b) => endOf(b.flight) - endOf(a.flight))
  }

  private recorded({ process }: KeptFlight): Recorded {
    return { process: { ...process, current: process === this.options.process } }
  }

  private bound(): void {
    const { client, refused, attempted } = this.kept
    const entries = this.options.entries()
    const share = Math.floor(entries * SHARE)
    const displaced = [
      ...cut(client, share, MAX_BYTES * SHARE),
      ...cut(refused, share, MAX_BYTES * SHARE),
      ...cut(attempted, entries - client.length - refused.length, MAX_BYTES * (1 - 2 * SHARE)),
    ]
    if (displaced.length > 0) this.options.keeper?.displaced(displaced)
  }
}

function endOf({ durationMs, time }: Flight): number {
  return Date.parse(time) + durationMs
}

/** Takes the oldest out, until the others fit. */
function cut(list: KeptFlight[], entries: number, bytes: number): readonly KeptFlight[] {
  let sum = list.reduce((all, kept) => all + kept.bytes, 0)
  let gone = Math.max(0, list.length - entries)
  for (let i = 0; i < gone; i++) sum -= (list[i] as KeptFlight).bytes
  while (sum > bytes) sum -= (list[gone++] as KeptFlight).bytes
  return list.splice(0, gone)
}

function summary({ timeline, upstream, ...rest }: Flight): FlightSummary {
  return rest
}
