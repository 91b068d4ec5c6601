/**
 * A count of held things (requests in flight, connections, permits), exact over all workers: each worker writes only its
 * own column, the value is the sum. Every take is given back once; after a worker's exit the control plane zeroes its
 * column.
 */
export class HeldCell {
  private readonly view: Int32Array
  private readonly slot: number
  private readonly own: number
  private readonly stride: number

  /** `view`: the whole page; `stride`: Int32 slots per column; `worker`: whose column is ours. */
  constructor(view: Int32Array, slot: number, stride: number, worker: number) {
    this.view = view
    this.slot = slot
    this.own = slot + worker * stride
    this.stride = stride
  }

  /** Sum over all workers. */
  sum(): number {
    let sum = 0
    for (let i = this.slot; i < this.view.length; i += this.stride) sum += Atomics.load(this.view, i)
    return sum
  }

  /** What this worker holds. */
  mine(): number {
    return this.view[this.own] as number
  }

  take(): void {
    Atomics.add(this.view, this.own, 1)
  }

  give(): void {
    Atomics.sub(this.view, this.own, 1)
  }

  /**
   * Takes one unless `limit` are already held. Never above the limit: when two workers race for the last one, both may
   * be refused, so that a refused take is repeated once.
   */
  takeBelow(limit: number): boolean {
    return this.takeOnce(limit) || (this.sum() < limit && this.takeOnce(limit))
  }

  private takeOnce(limit: number): boolean {
    Atomics.add(this.view, this.own, 1)
    if (this.sum() <= limit) return true
    Atomics.sub(this.view, this.own, 1)
    return false
  }
}
