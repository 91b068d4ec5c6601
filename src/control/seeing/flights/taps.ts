import { NotFound, readQuery } from '../../../core/command.ts'
import { type FlightFilter, type FlightSummary, passes } from '../../../core/flight.ts'
import type { Begin, EventReader, ReadCall } from '../../../core/operation.ts'
import type { Clock } from '../../../lib/clock.ts'
import { object, optional, withDefault } from '../../../schema/composites.ts'
import { suggestion } from '../../../schema/diagnostics.ts'
import { duration, integer } from '../../../schema/scalars.ts'
import { FILTER_FIELDS } from './flight-log.ts'

/** What {@link Taps.open} reads. */
export const TAPPING = object({
  ...FILTER_FIELDS,
  limit: optional(integer(1, 1_000_000), 'Number of requests after which it ends.'),
  for: withDefault(duration(100, 86_400_000), '10m', 'Time after which it ends.'),
})

interface Tap {
  readonly filter: FlightFilter
  readonly reader: EventReader
  left: number
}

export interface TapsOptions {
  readonly clock: Clock
  /** Of the live config. */
  readonly routes: () => readonly string[]
  /** Tells the workers what to show; an empty list: nothing. */
  readonly tell: (filters: readonly FlightFilter[]) => void
}

/** Operators who watch requests as they end. Workers show nothing without a tap. */
export class Taps {
  private readonly options: TapsOptions
  private readonly taps = new Set<Tap>()

  constructor(options: TapsOptions) {
    this.options = options
  }

  /** Events `request`, with a summary each. Throws {@link NotFound} for an unknown route: none would ever come. */
  open({ query }: ReadCall): Begin {
    const { clock } = this.options
    const { for: ms, limit = Number.POSITIVE_INFINITY, ...filter } = readQuery(TAPPING, query)
    this.checkRoute(filter.route)
    return (reader) => {
      const tap: Tap = { filter: filter as FlightFilter, reader, left: limit }
      this.taps.add(tap)
      this.tell()
      const timer = clock.after(ms, () => reader.end())
      return () => {
        clock.cancel(timer)
        this.taps.delete(tap)
        this.tell()
      }
    }
  }

  /** Requests that a worker shows, and how many more there were. */
  take(requests: readonly FlightSummary[], lost: number): void {
    for (const tap of this.taps) {
      tap.reader.lose(lost)
      for (const request of requests) {
        if (tap.left === 0 || !passes(tap.filter, request)) continue
        tap.reader.send('request', request)
        if (--tap.left === 0) tap.reader.end()
      }
    }
  }

  private checkRoute(name: string | undefined): void {
    const routes = this.options.routes()
    if (name === undefined || name === '-' || routes.includes(name)) return
    const near = suggestion(name, routes)
    const hint = near === undefined ? '' : `; did you mean ${near}?`
    throw new NotFound(`the live config has no route ${JSON.stringify(name)}${hint}`)
  }

  private tell(): void {
    this.options.tell(Array.from(this.taps, ({ filter }) => filter))
  }
}
