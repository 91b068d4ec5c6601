import { type CellRef, PAGE_BYTES, type PageKind } from '../../src/cells/pages.ts'
import { CellSpace } from '../../src/cells/space.ts'
import { ENDPOINT_WORDS, type EndpointCells, type UpstreamCells } from '../../src/core/protocol.ts'

const PAGES: readonly PageKind[] = ['ints', 'words']

/** Cells for tests: one page of each kind, and views of it for as many workers as asked for. */
export class TestCells {
  readonly spaces: readonly CellSpace[]
  private next = 0

  constructor(workers = 1) {
    const pages = PAGES.map((kind, id) => ({ id, kind, buffer: new SharedArrayBuffer(PAGE_BYTES) }))
    this.spaces = Array.from({ length: workers }, (_, worker) => {
      const space = new CellSpace(workers, worker)
      space.add(pages)
      return space
    })
  }

  /** Of worker 0. */
  get space(): CellSpace {
    return this.spaces[0] as CellSpace
  }

  held(): CellRef {
    return { page: 0, slot: this.next++ }
  }

  word(): CellRef {
    return { page: 1, slot: this.next++ }
  }

  /** `size` slots one after another. */
  heldBlock(size: number): CellRef {
    this.next += size
    return { page: 0, slot: this.next - size }
  }

  wordBlock(size: number): CellRef {
    this.next += size
    return { page: 1, slot: this.next - size }
  }

  endpoint(): EndpointCells {
    const state = this.wordBlock(ENDPOINT_WORDS)
    return { inFlight: this.held(), connections: this.held(), state, features: {} }
  }

  upstream(): UpstreamCells {
    return {
      waiting: this.held(),
      features: {},
    }
  }

  /** As after the end of a worker. */
  clearColumn(worker: number): void {
    const stride = CellSpace.columnSlots(this.spaces.length)
    this.space.int32({ page: 0, slot: 0 }).fill(0, worker * stride, (worker + 1) * stride)
  }

  set(ref: CellRef, value: number): void {
    Atomics.store(this.space.int32(ref), ref.slot, value)
  }
}
