import type { Clock } from '../lib/clock.ts'
import { UNSENT } from './lessons.ts'
import type { EndVerdict, HeadVerdict } from './outcome.ts'
import { statePlaces } from './state-slot.ts'

/** One dispatch to an endpoint, from the pick to its end. Fixed shape; the engine makes and fills it. */
export class Attempt {
  /** 1 for the first attempt. */
  readonly number: number
  readonly upstream: string
  /** It began while another attempt of its request was under way. */
  beside: boolean
  /** `host:port` as configured or resolved; for logs and metrics, never for clients. */
  endpoint: string
  /** What the endpoint calls itself: Host where a route forwards its own. */
  authority: string
  /** Clock milliseconds at which it was sent, or was chosen if it has not been sent yet. */
  startedAt: number
  /** Milliseconds that it waited for a connection before it was sent. */
  waitedMs: number
  /** Clock milliseconds; 0 until it happened. */
  connectedAt: number
  headAt: number
  endedAt: number
  status: number
  reused: boolean
  /** What was wrong with an answer that could not be parsed. */
  rule: string | undefined
  head: HeadVerdict | undefined
  end: EndVerdict
  /** Places of features, see `core/state-slot.ts`. */
  readonly state: unknown[]
  /** How many policies let it pass: exactly their `attempted` is owed. */
  passed: number

  /** @param slots places of features */
  constructor(number: number, upstream: string, startedAt: number, slots = 0) {
    this.number = number
    this.upstream = upstream
    this.beside = false
    this.endpoint = ''
    this.authority = ''
    this.startedAt = startedAt
    this.waitedMs = 0
    this.connectedAt = 0
    this.headAt = 0
    this.endedAt = 0
    this.status = 0
    this.reused = false
    this.rule = undefined
    this.head = undefined
    this.end = 'pending'
    this.state = statePlaces(slots)
    this.passed = 0
  }

  /** Its pool refused it, or its time passed in the queue there: nothing of it was sent. */
  get unsent(): boolean {
    return this.head?.lesson === UNSENT
  }

  /** When its head verdict is given, asked at that moment: its head came just now, or there is none. */
  judgedAt(clock: Pick<Clock, 'now'>): number {
    return this.headAt === 0 ? clock.now() : this.headAt
  }
}
