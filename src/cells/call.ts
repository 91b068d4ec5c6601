/** Milliseconds after which a call that nobody answered counts no more: nobody may be waiting by then. */
const LASTS_MS = 1_500

/**
 * A word with which a worker that found all of something taken asks the others whether they can give some of it back. Any
 * worker writes: 0, or when it was asked last, clock milliseconds in 32 bits.
 */
export class CallCell {
  private readonly view: Int32Array
  private readonly slot: number

  /** `view`: the whole page. */
  constructor(view: Int32Array, slot: number) {
    this.view = view
    this.slot = slot
  }

  /** True: nobody had asked yet, so the others must be woken. */
  ask(now: number): boolean {
    const before = Atomics.exchange(this.view, this.slot, word(now))
    return before === 0 || isOver(before, now)
  }

  /** Somebody asks: whoever gets true here answers, and nobody else does. */
  answer(now: number): boolean {
    const asked = Atomics.load(this.view, this.slot)
    if (asked === 0) return false
    return Atomics.compareExchange(this.view, this.slot, asked, 0) === asked && !isOver(asked, now)
  }
}

function isOver(asked: number, now: number): boolean {
  return ((word(now) - asked) | 0) > LASTS_MS
}

/** Never 0, which stands for "nobody asks". */
function word(now: number): number {
  return Math.round(now) | 1
}
