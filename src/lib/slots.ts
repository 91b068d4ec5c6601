/** Bounds how much of something runs at once; the rest waits in order. */
export class Slots {
  private free: number
  private readonly queue = new Set<() => void>()

  constructor(most: number) {
    this.free = most
  }

  /** How many wait. */
  get waiting(): number {
    return this.queue.size
  }

  /** Calls `begin` now or once there is room. The function returned gives the place in the queue back; false: there is none. */
  take(begin: () => void): () => boolean {
    if (this.free === 0) {
      this.queue.add(begin)
      return () => this.queue.delete(begin)
    }
    this.free--
    begin()
    return () => false
  }

  /** A call that began has ended. */
  give(): void {
    const [next] = this.queue
    if (next === undefined) {
      this.free++
      return
    }
    this.queue.delete(next)
    next()
  }
}
