import type { Deferred, Turn } from './http1-turn.ts'

/** Turns of the event loop without a read after which a broken socket counts as empty: each sees what came in the last. */
const QUIET_TURNS = 2

/**
 * An upstream that answers early and resets makes our next write fail, upon which node would destroy the socket with the
 * answer unread. What was received is read first. Its end shows by silence: node no longer reports it.
 */
export class LastReads implements Deferred {
  private readonly turn: Turn
  private readonly parser: { readonly paused: boolean }
  private readonly empty: () => void
  private awaited = false
  private quietTurns = 0

  /** `parser`: while it is paused, silence says nothing. `empty`: there is nothing more to read. */
  constructor(turn: Turn, parser: { readonly paused: boolean }, empty: () => void) {
    this.turn = turn
    this.parser = parser
    this.empty = empty
    this.wait()
  }

  /** Something was read. */
  heard(): void {
    this.quietTurns = 0
  }

  /** Reading goes on. */
  wait(): void {
    this.quietTurns = 0
    if (!this.awaited) this.again()
  }

  onTurn(): void {
    this.awaited = false
    if (this.parser.paused) return
    if (++this.quietTurns > QUIET_TURNS) this.empty()
    else this.again()
  }

  private again(): void {
    this.awaited = true
    this.turn.wait(this)
  }
}
