/** Milliseconds after which a call without an answer no longer counts: the workers that asked may have stopped waiting. */
const LASTS_MS = 1_500

/**
 * A word by which a worker that found all of something taken asks the other workers whether they can give some of it back.
 * Any worker writes it: 0, or the time of the latest call, clock milliseconds in 32 bits.
 */
export class CallCell {
  private readonly view: Int32Array
  private readonly slot: number

  /** `view`: the whole page. */
  constructor(view: Int32Array, slot: number) {
    this.view = view
    this.slot = slot
  }

  /** True: no call was open, so the others must be woken. */
  ask(now: number): boolean {
    const before = Atomics.exchange(this.view, this.slot, word(now))
    return before === 0 || isOver(before, now)
  }

  /** Takes an open call. Exactly one worker gets true per call: that worker answers it. */
  answer(now: number): boolean {
    const asked = Atomics.load(this.view, this.slot)
    if (asked === 0) return false
    return Atomics.compareExchange(this.view, this.slot, asked, 0) === asked && !isOver(asked, now)
  }
}

function isOver(asked: number, now: number): boolean {
  return ((word(now) - asked) | 0) > LASTS_MS
}

/** Never 0, which stands for "no call is open". */
function word(now: number): number {
  return Math.round(now) | 1
}
