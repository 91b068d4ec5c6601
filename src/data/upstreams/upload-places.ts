import type { Stalled, Want } from '../../core/relief.ts'
import type { Pool, Ticket } from './pool.ts'
import type { Turns } from './turns.ts'

type Waiting = Pick<Turns<Ticket>, 'line' | 'uploadsWaiting'>

/** What uploads wait for: a place in their half of the connections, which only another upload gives back. */
export class UploadPlaces implements Want {
  readonly call = undefined
  /** Requests on links whose bodies were still to come when they began. */
  taken = 0
  private readonly pool: Pick<Pool, 'frees'>
  private readonly turns: Waiting
  private readonly max: () => number

  /** `max`: connections of the pool. */
  constructor(pool: Pick<Pool, 'frees'>, turns: Waiting, max: () => number) {
    this.pool = pool
    this.turns = turns
    this.max = max
  }

  /** The other half is left for requests that depend on no client. */
  get free(): number {
    return Math.max(0, half(this.max()) - this.taken)
  }

  get waiting(): number {
    return this.turns.line.length === 0 ? 0 : Math.max(0, this.turns.uploadsWaiting - this.free)
  }

  frees(stalled: Stalled): boolean {
    return this.pool.frees(stalled) && (stalled.ticket as Ticket).counts
  }
}

export function half(count: number): number {
  return Math.max(1, Math.floor(count / 2))
}
