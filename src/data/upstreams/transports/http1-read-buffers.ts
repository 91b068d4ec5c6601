/**
 * A read larger than this is passed on in place; for a smaller one, copying is cheaper than a new buffer. TLS reads are
 * never larger: a buffer for each would be three quarters empty.
 */
const SMALL_READ = 16_384
const READ_BYTES = 65_536
const SCAVENGE_BYTES = 33_554_432

/** What the reads of a worker are made of. */
export class ReadMemory {
  /** For small reads of all connections. */
  readonly shared: Buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  private readonly scavenge: (() => void) | undefined
  private given = 0

  /** `scavenge` frees what is no longer used; called every 32 MiB. undefined: V8 alone frees it. */
  constructor(scavenge: (() => void) | undefined) {
    this.scavenge = scavenge
  }

  large(): Buffer {
    this.given += READ_BYTES
    if (this.given >= SCAVENGE_BYTES) {
      this.given = 0
      this.scavenge?.()
    }
    return Buffer.allocUnsafeSlow(READ_BYTES)
  }
}

/**
 * Where a connection's reads go: into a buffer shared by all, as long as they are small; into buffers of its own, which
 * then need no copying, while they are large.
 */
export class ReadBuffers {
  private readonly memory: ReadMemory
  private large = false

  constructor(memory: ReadMemory) {
    this.memory = memory
  }

  /** For the next read. */
  next(): Buffer {
    return this.large ? this.memory.large() : this.memory.shared
  }

  /** After each read. */
  used(bytes: number): void {
    this.large = bytes > SMALL_READ
  }

  /** Whether what was read may be kept without copying. */
  owned(bytes: number, buffer: Buffer): boolean {
    return buffer !== this.memory.shared && bytes > SMALL_READ
  }
}
