import { EventEmitter } from 'node:events'

/** Who feeds an upload. */
export interface UploadOwner {
  onUploadWanted(): void
  onUploadRoom(): void
}

/**
 * What undici is given as a request body: just enough of a stream. The client's request object must never be passed:
 * undici destroys the body that it is given when the upstream fails or answers early, and the client's connection with
 * it. This one only lets go.
 */
export class Upload extends EventEmitter {
  /** undici asks here whether a stream destroys itself; without it, it would do so on `end`. */
  readonly _readableState = { autoDestroy: true }
  destroyed = false
  private readonly owner: UploadOwner
  private wanted = false
  private flowing = false

  constructor(owner: UploadOwner) {
    super()
    this.owner = owner
  }

  /** False: wait for room. */
  write(chunk: Buffer): boolean {
    if (this.destroyed) return true
    this.emit('data', chunk)
    return this.flowing || this.destroyed
  }

  end(): void {
    if (!this.destroyed) this.emit('end')
  }

  /** Called by undici, as is all that follows. */
  resume(): void {
    if (this.flowing || this.destroyed) return
    this.flowing = true
    if (this.wanted) {
      this.owner.onUploadRoom()
      return
    }
    this.wanted = true
    // undici resumes before it has attached all of its listeners: an upload fed (and ended) now would leak them.
    queueMicrotask(() => {
      if (!this.destroyed) this.owner.onUploadWanted()
    })
  }

  pause(): void {
    this.flowing = false
  }

  destroy(error?: Error): void {
    if (this.destroyed) return
    this.destroyed = true
    // undici learns from `error` that a body of the wrong length ended its request.
    if (error !== undefined && this.listenerCount('error') > 0) this.emit('error', error)
  }

  /** Only marks this as a stream. */
  pipe(): never {
    throw new Error('an upload is not piped')
  }
}
