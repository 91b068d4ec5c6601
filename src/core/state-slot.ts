/** What has places for the states of features: an exchange or an attempt. */
export interface StateHolder {
  readonly state: unknown[]
}

/** No feature has a place in it; frozen, since all share it. */
const NO_PLACES = Object.freeze([]) as unknown as unknown[]

/** Places for the states of features, all empty. */
export function statePlaces(count: number): unknown[] {
  if (count === 0) return NO_PLACES
  // A literal is made in place; `new Array` with `fill` takes two calls, and this is done for each exchange and attempt.
  const places: unknown[] = [undefined]
  for (let i = 1; i < count; i++) places.push(undefined)
  return places
}

/** The place of one feature's state in every exchange, or in every attempt: an array index, nothing more. */
export class StateSlot<T> {
  readonly index: number

  constructor(index: number) {
    this.index = index
  }

  /** undefined: nothing was set yet. */
  of(holder: StateHolder): T | undefined {
    return holder.state[this.index] as T | undefined
  }

  set(holder: StateHolder, value: T | undefined): void {
    holder.state[this.index] = value
  }
}

/**
 * Gives out places by name, so that a feature has the same one over all routes and generations of a worker: a policy can
 * be used again in another chain.
 */
export class StateSlots {
  private readonly known = new Map<string, StateSlot<unknown>>()

  /** How many there are. */
  get size(): number {
    return this.known.size
  }

  of<T>(name: string): StateSlot<T> {
    let slot = this.known.get(name)
    if (slot === undefined) {
      slot = new StateSlot(this.known.size)
      this.known.set(name, slot)
    }
    return slot as StateSlot<T>
  }
}
