/** Bytes of all buffers of one kind in one worker. */
const WORKER_BYTES = 64 * 1024 * 1024

/** Bounds what the requests of one worker keep in memory together. */
export class ByteBudget {
  held = 0

  /** False: there is no room for so many more. */
  take(bytes: number): boolean {
    if (this.held + bytes > WORKER_BYTES) return false
    this.held += bytes
    return true
  }

  /** There is no room for any more. */
  get spent(): boolean {
    return this.held >= WORKER_BYTES
  }

  give(bytes: number): void {
    this.held -= bytes
  }
}
