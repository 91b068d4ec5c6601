import type { Relief, Stalled, Want } from '../../core/relief.ts'
import type { Clock, ClockHandle } from '../../lib/clock.ts'
import type { Pace } from './pace.ts'

/** Mails come for other reasons too, and often: calls of other workers are read this long after one, milliseconds. */
const ANSWER_MS = 10

/** An exchange that waited for its client at the latest look. */
export interface Watched extends Stalled {
  readonly pace: Pace
  /** Bytes per second below which its client stalls. */
  readonly minRate: number
  /** Only its client delays it now. */
  readonly waitsForClient: boolean
  /** Bytes of body that came from the client and that it took, so far. */
  readonly moved: number
  /** Those that it took. */
  readonly taken: number
  /** Its client does not take the answer and has moved nothing for one look, or too little for longer. */
  stalls(now: number): boolean
  /** Another worker asks for something that it holds. True: it must be ended; its policies have given theirs back. */
  yieldsCalled(now: number): boolean
  /** Ends it, as a fault of its client. */
  endStalled(): void
}

/**
 * The stall rule. Once per second the engine finds the exchanges that wait for clients which move less than the minimum
 * rate; they are ended only while their resources are needed, one for each request that would otherwise wait or be refused,
 * the one that moved least first. A resource shared by all workers and held by stalled exchanges of others is asked for by
 * a {@link CallCell}: the next request gets it.
 */
export class Stalls implements Relief {
  private readonly clock: Clock
  private readonly wakeOthers: () => void
  /** As of the latest look. */
  private stalled: Watched[] = []
  /** `stalled` is in order: the client that moved least first, and of those the one that was still for longest. */
  private sorted = false
  /** For these nothing was found since the latest look. */
  private readonly barren = new Set<Want>()
  /** Requests wait for these. */
  private readonly unmet = new Set<Want>()
  private answering: ClockHandle = undefined

  /** `wakeOthers`: makes every other worker call `onMail`. */
  constructor(clock: Clock, wakeOthers: () => void) {
    this.clock = clock
    this.wakeOthers = wakeOthers
  }

  /** Once per second, with all exchanges that wait for their clients. */
  look(all: readonly Watched[]): void {
    const now = this.clock.now()
    this.stalled = []
    this.sorted = false
    this.barren.clear()
    for (const one of all) {
      one.pace.look(now, one.moved, one.taken)
      if (one.pace.rate < one.minRate) this.stalled.push(one)
    }
    for (const want of this.unmet) this.serve(want)
    this.answer()
  }

  end(want: Want): boolean {
    if (this.endOne(want)) return true
    if (want.waiting > 0) this.unmet.add(want)
    if (want.call?.ask(this.clock.now())) this.wakeOthers()
    return false
  }

  /** Another worker may have asked for something. */
  onMail(): void {
    if (this.stalled.length === 0 || this.answering !== undefined) return
    this.answering = this.clock.after(ANSWER_MS, () => {
      this.answering = undefined
      this.answer()
    })
  }

  /** No timer is left. */
  close(): void {
    this.clock.cancel(this.answering)
  }

  /** Gives back what other workers ask for: one for each call. */
  private answer(): void {
    const now = this.clock.now()
    for (const one of this.inOrder()) {
      if (!stalls(one, now) || !one.yieldsCalled(now)) continue
      this.stalled.splice(this.stalled.indexOf(one), 1)
      one.endStalled()
    }
  }

  private serve(want: Want): void {
    let waiting = want.waiting
    while (waiting > 0 && this.endOne(want)) waiting--
    if (waiting === 0) this.unmet.delete(want)
    else if (want.call?.ask(this.clock.now())) this.wakeOthers()
  }

  private endOne(want: Want): boolean {
    if (this.stalled.length === 0 || this.barren.has(want)) return false
    const now = this.clock.now()
    for (const [i, one] of this.inOrder().entries()) {
      if (!stalls(one, now) || !want.frees(one)) continue
      this.stalled.splice(i, 1)
      one.endStalled()
      return true
    }
    this.barren.add(want)
    return false
  }

  /** A copy: an exchange that ends may wake others that look for more. */
  private inOrder(): readonly Watched[] {
    if (!this.sorted) this.stalled.sort(byMovement)
    this.sorted = true
    return this.stalled.slice()
  }
}

/** Its client still stalls. */
function stalls({ minRate, moved, pace, waitsForClient }: Watched, now: number): boolean {
  return waitsForClient && pace.rateAt(now, moved) < minRate
}

function byMovement({ pace: a }: Watched, { pace: b }: Watched): number {
  return a.rate - b.rate || a.stillSince - b.stillSince
}
