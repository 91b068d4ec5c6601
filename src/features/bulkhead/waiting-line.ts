/** A waiter in a {@link WaitingLine}. */
export interface Waiter {
  /** 0: the most important. */
  readonly importance: number
  /** Waiters of one importance take turns by key. */
  readonly key: string
  /** Clock milliseconds. */
  readonly arrivedAt: number
}

interface Place<W> {
  readonly waiter: W
  older: Place<W> | undefined
  newer: Place<W> | undefined
}

/** Waiters of one key, linked from the oldest to the newest. */
class Turn<W> {
  length = 0
  oldest: Place<W> | undefined = undefined
  newest: Place<W> | undefined = undefined

  add(waiter: W): Place<W> {
    const place: Place<W> = { waiter, older: this.newest, newer: undefined }
    if (this.newest === undefined) this.oldest = place
    else this.newest.newer = place
    this.newest = place
    this.length++
    return place
  }

  remove({ older, newer }: Place<W>): void {
    this.length--
    if (older === undefined) this.oldest = newer
    else older.newer = newer
    if (newer === undefined) this.newest = older
    else newer.older = older
  }
}

/** Waiters of one importance. */
interface Rank<W> {
  /** By key, in the order of their turns: the first is next. */
  readonly turns: Map<string, Turn<W>>
  length: number
}

/**
 * The waiters of one worker for one resource, and which is next: the most important first, among them each key in turn
 * (round robin, as in fair queueing with equal costs: Nagle, RFC 970), and of a key the oldest or the newest. Adding,
 * taking and leaving cost a few links, however many wait.
 */
export class WaitingLine<W extends Waiter> {
  private readonly ranks: readonly Rank<W>[]
  private readonly places = new Map<W, Place<W>>()

  /** `ranks`: how many importances there are. */
  constructor(ranks: number) {
    this.ranks = Array.from({ length: ranks }, () => ({ turns: new Map(), length: 0 }))
  }

  get length(): number {
    return this.places.size
  }

  lengthOf(importance: number): number {
    return this.rank(importance).length
  }

  add(waiter: W): void {
    const rank = this.rank(waiter.importance)
    let turn = rank.turns.get(waiter.key)
    if (turn === undefined) {
      turn = new Turn()
      rank.turns.set(waiter.key, turn)
    }
    this.places.set(waiter, turn.add(waiter))
    rank.length++
  }

  /** The next waiter of an importance; undefined: there is none. */
  peek(importance: number, newestFirst: boolean): W | undefined {
    const turn = this.firstTurn(importance)
    return (newestFirst ? turn?.newest : turn?.oldest)?.waiter
  }

  /** Takes the next one out; the turn passes to the next key. */
  take(importance: number, newestFirst: boolean): W | undefined {
    const waiter = this.peek(importance, newestFirst)
    if (waiter === undefined) return undefined
    const { turns } = this.rank(importance)
    const turn = turns.get(waiter.key) as Turn<W>
    this.remove(waiter)
    if (turns.delete(waiter.key)) turns.set(waiter.key, turn)
    return waiter
  }

  /** Number of waiters of an importance and key. */
  lengthOfKey(importance: number, key: string): number {
    return this.rank(importance).turns.get(key)?.length ?? 0
  }

  /** Of the key with the most waiters, the one of that importance that is served last; looks at every key. */
  last(importance: number, newestFirst: boolean): W | undefined {
    let longest: Turn<W> | undefined
    for (const turn of this.rank(importance).turns.values()) {
      if (longest === undefined || turn.length > longest.length) longest = turn
    }
    return (newestFirst ? longest?.oldest : longest?.newest)?.waiter
  }

  /** It no longer waits; false: it did not. */
  remove(waiter: W): boolean {
    const place = this.places.get(waiter)
    if (place === undefined) return false
    this.places.delete(waiter)
    const rank = this.rank(waiter.importance)
    const turn = rank.turns.get(waiter.key) as Turn<W>
    turn.remove(place)
    if (turn.oldest === undefined) rank.turns.delete(waiter.key)
    rank.length--
    return true
  }

  private firstTurn(importance: number): Turn<W> | undefined {
    for (const turn of this.rank(importance).turns.values()) return turn
    return undefined
  }

  private rank(importance: number): Rank<W> {
    return this.ranks[importance] as Rank<W>
  }
}
