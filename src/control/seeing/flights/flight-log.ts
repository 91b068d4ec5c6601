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

interface Kept {
  readonly flight: Flight
  readonly bytes: number
}

/** The latest failed and slow requests of all workers, bounded in number and bytes. */
export class FlightLog {
  private readonly entries: () => number
  /**
   * The oldest first. An open breaker refuses more requests than ever failed to open it: the failed ones must stay in
   * sight.
   */
  private readonly kept: Readonly<Record<Crowd, Kept[]>> = { client: [], refused: [], attempted: [] }

  /** `entries`: how many are kept. */
  constructor(entries: () => number) {
    this.entries = entries
  }

  take(flights: readonly Flight[]): void {
    const { client, refused, attempted } = this.kept
    for (const flight of flights) {
      const list = this.kept[crowdOf(flight.origin ?? undefined, flight.attempts)]
      list.push({ flight, bytes: JSON.stringify(flight).length })
    }
    const entries = this.entries()
    const share = Math.floor(entries * SHARE)
    bound(client, share, MAX_BYTES * SHARE)
    bound(refused, share, MAX_BYTES * SHARE)
    bound(attempted, entries - client.length - refused.length, MAX_BYTES * (1 - 2 * SHARE))
  }

  /** The latest first, without their stories. */
  list({ query }: ReadCall): { readonly requests: readonly FlightSummary[] } {
    const { limit, why, ...filter } = readQuery(LISTING, query)
    const requests: FlightSummary[] = []
    for (const flight of this.latest()) {
      if (requests.length === limit) break
      if (passes(filter as FlightFilter, flight) && (why ?? flight.why) === flight.why) requests.push(summary(flight))
    }
    return { requests }
  }

  /** Those with this request or correlation ID, the latest first. Throws {@link NotFound}. */
  find({ params }: ReadCall): { readonly requests: readonly Flight[] } {
    const { id = '' } = params
    const requests = this.latest().filter((flight) => flight.requestId === id || flight.correlationId === id)
    if (requests.length > 0) return { requests }
    throw new NotFound(
      'no request with this ID is kept: only the latest failed and slow ones are; look for it in the access log',
    )
  }

  private latest(): Flight[] {
    return Object.values(this.kept)
      .flat()
      .map(({ flight }) => flight)
      .sort((a, b) => endOf(b) - endOf(a))
  }
}

function endOf({ durationMs, time }: Flight): number {
  return Date.parse(time) + durationMs
}

function bound(list: Kept[], entries: number, bytes: number): void {
  let sum = list.reduce((all, kept) => all + kept.bytes, 0)
  let gone = Math.max(0, list.length - entries)
  for (let i = 0; i < gone; i++) sum -= (list[i] as Kept).bytes
  while (sum > bytes) sum -= (list[gone++] as Kept).bytes
  list.splice(0, gone)
}

function summary({ timeline, upstream, ...rest }: Flight): FlightSummary {
  return rest
}
