import type { Clock } from '../../src/lib/clock.ts'
import type { Kind } from './load.ts'

/** What is done to the gateway while it serves. */
export type Event = 'reload' | 'endpoint down' | 'endpoint up' | 'worker ended'

/** Clients must not fail but for these: what may fail, by which event, in its time. */
interface Explained {
  readonly event: Event
  /** Milliseconds: requests that began so long after the event may still fail of it. */
  readonly within: number
  readonly fits: (kind: Kind, what: string) => boolean
  readonly why: string
}

const BROKEN_CONNECTION = /^(?:ECONNRESET|EPIPE|broken)$/
const BROKEN_UPSTREAM = /^(?:broken|50[23] (?:connect_|reset|upstream_|response_|request_))/

export const EXPLAINED: readonly Explained[] = [
  {
    event: 'worker ended',
    within: 2_000,
    fits: (_, what) => BROKEN_CONNECTION.test(what),
    why: 'the connections of a worker end with it, those that wait to be accepted, too',
  },
  {
    event: 'endpoint down',
    within: 1_000,
    fits: (kind, what) => REPEATED_NOT.has(kind) && BROKEN_UPSTREAM.test(what),
    why: 'what an endpoint was doing is lost where it may not be done twice, or was answered in part',
  },
]

/** Requests that no second attempt saves once the endpoint had them: POSTs, and answers that had begun. */
const REPEATED_NOT: ReadonlySet<Kind> = new Set(['post', 'upload', 'download', 'events', 'leaves upload'])

/** A request that has begun. */
export interface Entry {
  readonly id: string
  readonly kind: Kind
  readonly begunAt: number
  /** What its client saw; undefined: nothing yet. */
  what: string | undefined
}

export interface Failure {
  readonly kind: Kind
  readonly what: string
  readonly begunAt: number
  readonly endedAt: number
  /** When it ended. */
  readonly time: string
}

/** Requests without a line in the access log: more of them are no bookkeeping any more. */
const MOST_OPEN = 200_000
const KEPT_FAILURES = 100

/** Each request that has begun, until it has its end: what its client saw, and its line in the access log. */
export class Ledger {
  readonly begun: Partial<Record<Kind, number>> = {}
  /** By what clients saw. */
  readonly outcomes: Record<string, number> = {}
  /** By the explanation. */
  readonly explained: Record<string, number> = {}
  readonly unexplained: Failure[] = []
  unexplainedCount = 0
  readonly events: { readonly event: Event; readonly at: number }[] = []
  lines = 0
  /** Lines of requests that had one already, or that no client has made. */
  strange = 0
  private readonly clock: Clock
  private readonly open = new Map<string, Entry>()
  private inFlight = 0
  private next = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  begin(kind: Kind): Entry {
    if (this.open.size >= MOST_OPEN) throw new Error('the access log does not keep up')
    const entry = { id: `soak-${this.next++}`, kind, begunAt: this.clock.now(), what: undefined }
    this.begun[kind] = (this.begun[kind] ?? 0) + 1
    this.open.set(entry.id, entry)
    this.inFlight++
    return entry
  }

  /** `ok`, `left` (the client did), a status with its reason, or how the connection broke. Only the first counts. */
  end(entry: Entry, what: string): void {
    if (entry.what !== undefined) return
    entry.what = what
    this.inFlight--
    this.outcomes[what] = (this.outcomes[what] ?? 0) + 1
    if (what === 'ok' || what === 'left') return
    const { begunAt, kind } = entry
    const failure = { kind, what, begunAt, endedAt: this.clock.now(), time: new Date(this.clock.wall()).toISOString() }
    const event = this.explain(failure)
    if (event === undefined) {
      this.unexplainedCount++
      if (this.unexplained.length < KEPT_FAILURES) this.unexplained.push(failure)
    } else this.explained[`${event}: ${kind} ${what}`] = (this.explained[`${event}: ${kind} ${what}`] ?? 0) + 1
  }

  did(event: Event): void {
    this.events.push({ event, at: this.clock.now() })
  }

  /** A line of the access log. */
  line(id: string): void {
    this.lines++
    if (!this.open.delete(id)) this.strange++
  }

  get running(): number {
    return this.inFlight
  }

  get all(): number {
    return this.next
  }

  /** Requests without a line: those whose client left before they were read, or whose worker ended, may have none. */
  get withoutLine(): { readonly left: number; readonly workerEnded: number; readonly lost: readonly Entry[] } {
    const entries = [...this.open.values()]
    const left = entries.filter(({ what }) => what === 'left')
    const died = entries.filter(({ what }) => what !== undefined && BROKEN_CONNECTION.test(what))
    const lost = entries.filter((entry) => !left.includes(entry) && !died.includes(entry))
    return { left: left.length, workerEnded: died.length, lost }
  }

  private explain({ begunAt, endedAt, kind, what }: Failure): Event | undefined {
    return EXPLAINED.find(
      ({ event, fits, within }) =>
        fits(kind, what) &&
        this.events.some((done) => done.event === event && done.at <= endedAt && done.at >= begunAt - within),
    )?.event
  }
}
