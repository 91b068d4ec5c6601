import { BadCommand, readQuery } from '../../../core/command.ts'
import type { Begin, EventReader, ReadCall } from '../../../core/operation.ts'
import type { Clock, ClockHandle } from '../../../lib/clock.ts'
import { object, optional } from '../../../schema/composites.ts'
import { text } from '../../../schema/scalars.ts'
import type { LiveFigures } from './figures.ts'
import { type Frame, frameOf, type Surroundings, snapshotOf, updateOf } from './frame.ts'
import { LiveHistory, STEP_MS } from './history.ts'
import { LiveJournal } from './journal.ts'
import { ROUTE_FIELDS, UPSTREAM_FIELDS } from './rows.ts'
import { LiveWindow } from './window.ts'

const WATCHED_MS = 1_000
/** Looks take at most this part of the thread's time: with thousands of routes they become rarer. */
const WATCHED_PART = 10
const UNWATCHED_PART = 100

export interface LiveFeedOptions {
  readonly clock: Clock
  readonly figures: () => LiveFigures
  readonly around: () => Surroundings
}

/** What {@link LiveFeed.history} reads. */
export const HISTORY_QUERY = object({
  route: optional(text('the name of a route'), 'Of one route.'),
  upstream: optional(text('the name of an upstream'), 'Of one upstream. Default: of all routes together.'),
})

/**
 * What the dashboard shows, as it happens: `GET /api/v1/events`. Looks every second while there are readers, else every 5 s for
 * the history; more rarely with thousands of routes. A reader gets a `snapshot`, then an `update` per second with what has
 * changed; one that could not follow gets a snapshot again.
 */
export class LiveFeed {
  private readonly options: LiveFeedOptions
  private readonly window = new LiveWindow()
  private readonly journal = new LiveJournal()
  private readonly total = new LiveHistory(ROUTE_FIELDS.length)
  private readonly routes = new LiveHistory(ROUTE_FIELDS.length)
  private readonly upstreams = new LiveHistory(UPSTREAM_FIELDS.length)
  /** Readers, and whether they have missed something. */
  private readonly readers = new Map<EventReader, { behind: boolean }>()
  private frame: Frame | undefined = undefined
  private lookedAt = Number.NEGATIVE_INFINITY
  private keptAt = Number.NEGATIVE_INFINITY
  /** Milliseconds that the latest look took. */
  private cost = 0
  private timer: ClockHandle = undefined

  constructor(options: LiveFeedOptions) {
    this.options = options
  }

  start(): void {
    this.look()
    this.again()
  }

  close(): void {
    this.options.clock.cancel(this.timer)
  }

  readonly begin: Begin = (reader) => {
    const { clock } = this.options
    if (clock.now() - this.lookedAt > WATCHED_MS) this.look()
    this.readers.set(reader, { behind: !this.welcome(reader) })
    clock.cancel(this.timer)
    this.again()
    return () => this.readers.delete(reader)
  }

  /** The latest 15 minutes, for charts: `GET /api/v1/events/history`. */
  history({ query }: ReadCall): object {
    const { route, upstream } = readQuery(HISTORY_QUERY, query)
    if (route !== undefined && upstream !== undefined) throw new BadCommand('route or upstream, not both')
    if (upstream !== undefined) return { fields: UPSTREAM_FIELDS, points: this.upstreams.of(upstream) }
    return { fields: ROUTE_FIELDS, points: route === undefined ? this.total.of('') : this.routes.of(route) }
  }

  private again(): void {
    const [least, part] = this.readers.size > 0 ? [WATCHED_MS, WATCHED_PART] : [STEP_MS, UNWATCHED_PART]
    this.timer = this.options.clock.after(Math.max(least, part * this.cost), () => {
      this.look()
      this.again()
    })
  }

  private look(): void {
    const { around, clock, figures: read } = this.options
    const begun = clock.now()
    const figures = read()
    const rows = this.window.look(figures)
    const surroundings = around()
    const endpoints = figures.upstreams.flatMap(({ name, endpoints }) =>
      endpoints.map(({ endpoint, state, text }) => ({ upstream: name, endpoint, state, text })),
    )
    const events = this.journal.look({ ...figures, endpoints, last: surroundings.reload?.last })
    const before = this.frame
    this.frame = frameOf(figures, rows, this.journal, surroundings)
    this.lookedAt = clock.now()
    if (this.lookedAt - this.keptAt >= STEP_MS - WATCHED_MS / 2) {
      this.keptAt = this.lookedAt
      this.total.add(this.frame.at, new Map([['', rows.total]]))
      this.routes.add(this.frame.at, rows.routes)
      this.upstreams.add(this.frame.at, rows.upstreams)
    }
    if (this.readers.size > 0) this.tell(before && updateOf(this.frame, before, events))
    this.cost = clock.now() - begun
  }

  /** undefined: only a snapshot shows the change. */
  private tell(update: object | undefined): void {
    for (const [reader, place] of this.readers) {
      const told = place.behind || update === undefined ? this.welcome(reader) : reader.send('update', update)
      place.behind = !told
    }
  }

  private welcome(reader: EventReader): boolean {
    return this.frame !== undefined && reader.send('snapshot', snapshotOf(this.frame, this.journal.events))
  }
}
