/** Bounds how much of something runs at once; the rest waits in order. */
export class Slots {
  private free: number
  private readonly waiting = new Set<() => void>()

  constructor(most: number) {
    this.free = most
  }

  /** Calls `begin` now or once there is room. The function returned gives the place in the queue back. */
  take(begin: () => void): () => void {
    if (this.free === 0) {
      this.waiting.add(begin)
      return () => this.waiting.delete(begin)
    }
    this.free--
    begin()
    return () => {}
  }

  /** A call that began has ended. */
  give(): void {
    const [next] = this.waiting
    if (next === undefined) {
      this.free++
      return
    }
    this.waiting.delete(next)
    next()
  }
}
