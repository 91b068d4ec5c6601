import type { Clock, ClockHandle } from '../../../lib/clock.ts'
import { SPREAD } from '../../../lib/lifetime.ts'
import type { Accepted } from './acceptor.ts'

/** How often is looked: twenty times per age, within these bounds, milliseconds. */
const LOOKS = 20
const LEAST_MS = 10
const MOST_MS = 1_000

/**
 * Ends connections that have reached their age: what they answer next is the last, and idle ones are closed. One loss is
 * unavoidable, see `Acceptor.drain`.
 */
export class Aging {
  private readonly clock: Clock
  private readonly maxAge: number | undefined
  /** The oldest first. */
  private readonly connections: ReadonlyMap<unknown, Accepted>
  private readonly every: number
  private next: ClockHandle = undefined
  private behind: NodeJS.Immediate | undefined = undefined

  /** `maxAge`: milliseconds; undefined: none. */
  constructor(clock: Clock, maxAge: number | undefined, connections: ReadonlyMap<unknown, Accepted>) {
    this.clock = clock
    this.maxAge = maxAge
    this.connections = connections
    this.every = Math.min(MOST_MS, Math.max(LEAST_MS, (maxAge ?? 0) / LOOKS))
  }

  /** There is a connection. */
  begin(): void {
    if (this.next !== undefined || this.maxAge === undefined) return
    this.next = this.clock.after(this.every, () => this.look())
  }

  stop(): void {
    this.clock.cancel(this.next)
    this.next = undefined
    clearImmediate(this.behind)
    this.behind = undefined
  }

  private look(): void {
    const now = this.clock.now()
    for (const connection of this.aged(now)) connection.retire()
    // Behind the poll phase: what a client has sent has been read by then, and its answer says that it is the last.
    this.behind ??= setImmediate(() => {
      this.behind = undefined
      for (const connection of this.aged(now)) if (connection.looksIdle()) connection.end()
    })
    this.next = undefined
    if (this.connections.size > 0) this.begin()
  }

  private *aged(now: number): Generator<Accepted> {
    const most = SPREAD * (this.maxAge as number)
    for (const connection of this.connections.values()) {
      const { endsAt } = connection.life
      if (endsAt <= now) yield connection
      // The others are younger, and end at most so much sooner.
      else if (endsAt - now > most) break
    }
  }
}
