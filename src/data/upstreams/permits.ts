import type { CallCell } from '../../cells/call.ts'
import type { HeldCell } from '../../cells/held.ts'
import type { Relief, Stalled, Want } from '../../core/relief.ts'

/** The bulkhead of an upstream: one permit for each attempt, of all workers together. Attempts never wait for one. */
export class Permits implements Want {
  /** undefined: unbounded, and not counted. */
  limit: number | undefined
  readonly waiting = 0
  readonly call: CallCell
  private readonly cell: HeldCell
  private readonly relief: Relief

  constructor(cell: HeldCell, limit: number | undefined, relief: Relief, call: CallCell) {
    this.cell = cell
    this.limit = limit
    this.relief = relief
    this.call = call
  }

  /** No further attempt can begin. `ending`: permits that are about to come back. */
  isFull(ending: number): boolean {
    return this.isTaken(ending) && !this.relief.end(this)
  }

  /** A permit that must be given back; false: none is free. Only where there is a limit. */
  take(limit: number): boolean {
    return this.cell.takeBelow(limit) || (this.relief.end(this) && this.cell.takeBelow(limit))
  }

  give(): void {
    this.cell.give()
  }

  frees({ ticket }: Stalled): boolean {
    return ticket?.permits === this
  }

  /** Another worker asks for a permit. True: a permit must be freed here. */
  called(now: number): boolean {
    return this.isTaken(0) && this.call.answer(now)
  }

  private isTaken(ending: number): boolean {
    return this.limit !== undefined && this.cell.sum() - ending >= this.limit
  }
}
