import type { CellRef } from '../../cells/pages.ts'
import { toWord } from '../../cells/words.ts'
import { type EndpointCells, EndpointStateBit, EndpointWord, type UpstreamEndpoints } from '../../core/protocol.ts'
import type { Clock } from '../../lib/clock.ts'

/** Writes the control plane's words of endpoints: health, drain, and since when an endpoint takes requests again. */
export class EndpointMarks {
  private readonly words: (ref: CellRef) => Int32Array
  private readonly clock: Clock
  private known: ReadonlySet<string> | undefined = undefined

  /** `words`: the page of a block of words. */
  constructor(words: (ref: CellRef) => Int32Array, clock: Clock) {
    this.words = words
    this.clock = clock
  }

  setHealthy(cells: EndpointCells, healthy: boolean): void {
    this.set(cells, EndpointStateBit.unhealthy, !healthy)
  }

  setDraining(cells: EndpointCells, draining: boolean): void {
    this.set(cells, EndpointStateBit.draining, draining)
  }

  /** All endpoints as of now. New ones warm up, except for the first of all. */
  arrived(sets: Iterable<UpstreamEndpoints>): void {
    const { known } = this
    const now = new Set<string>()
    for (const { upstream, endpoints } of sets) {
      for (const { id, cells } of endpoints) {
        const key = `${upstream} ${id} ${cells.state.page} ${cells.state.slot}`
        now.add(key)
        if (known?.has(key) === false) this.warm(cells)
      }
    }
    this.known = now
  }

  /** Of the bits of the state word only this one changes. An endpoint that becomes usable again warms up. */
  private set(cells: EndpointCells, bit: number, on: boolean): void {
    const words = this.words(cells.state)
    const at = cells.state.slot + EndpointWord.state
    if (on) {
      Atomics.or(words, at, bit)
      return
    }
    if ((Atomics.load(words, at) & bit) === 0) return
    // First, so that no worker sees it usable and cold.
    this.warm(cells)
    Atomics.and(words, at, ~bit)
  }

  private warm({ state }: EndpointCells): void {
    const words = this.words(state)
    Atomics.store(words, state.slot + EndpointWord.since, toWord(this.clock.now()))
    Atomics.store(words, state.slot + EndpointWord.warming, 1)
  }
}
