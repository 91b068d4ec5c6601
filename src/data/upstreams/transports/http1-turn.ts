/** Waits for the end of a turn. */
export interface Deferred {
  onTurn(): void
}

/**
 * Calls all waiting parts at the end of the event loop's turn, when everything that the turn had to read has been read. One
 * immediate serves all.
 */
export class Turn {
  private waiting: Deferred[] = []

  wait(deferred: Deferred): void {
    if (this.waiting.push(deferred) === 1) setImmediate(this.end)
  }

  private readonly end = (): void => {
    const due = this.waiting
    let next = 0
    this.waiting = []
    try {
      while (next < due.length) due[next++]?.onTurn()
    } finally {
      // One of them threw: the others must not wait for ever.
      while (next < due.length) this.wait(due[next++] as Deferred)
    }
  }
}
