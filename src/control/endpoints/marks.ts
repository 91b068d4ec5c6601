import type { CellRef } from '../../cells/pages.ts'
import { EndpointWords } from '../../core/endpoint-words.ts'
import { type EndpointCells, EndpointStateBit, type UpstreamEndpoints } from '../../core/protocol.ts'
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
        if (known?.has(key) === false) this.of(cells).warm(this.clock.now())
      }
    }
    this.known = now
  }

  private set(cells: EndpointCells, bit: number, on: boolean): void {
    if (on) this.of(cells).set(bit)
    else this.of(cells).clear(bit, this.clock.now())
  }

  private of({ state }: EndpointCells): EndpointWords {
    return new EndpointWords(this.words(state), state.slot)
  }
}
