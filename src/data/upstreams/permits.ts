import type { HeldCell } from '../../cells/held.ts'

/** The bulkhead of an upstream: one permit for each try, of all workers together. Nobody waits for one. */
export class Permits {
  /** undefined: unbounded, and not counted. */
  limit: number | undefined
  private readonly cell: HeldCell

  constructor(cell: HeldCell, limit: number | undefined) {
    this.cell = cell
    this.limit = limit
  }

  /** No further try can begin. `ending`: permits that are about to come back. */
  isFull(ending: number): boolean {
    return this.limit !== undefined && this.cell.sum() - ending >= this.limit
  }

  /** A permit that must be given back; false: none is free. Only where there is a limit. */
  take(limit: number): boolean {
    return this.cell.takeBelow(limit)
  }

  give(): void {
    this.cell.give()
  }
}
