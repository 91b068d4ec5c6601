/**
 * A read larger than this is passed on in place; for a smaller one, copying is cheaper than a new buffer. TLS reads are
 * never larger: a buffer for each would be three quarters empty.
 */
const SMALL_READ = 16_384
const READ_BYTES = 65_536
const SCAVENGE_BYTES = 33_554_432
/** Buffers that wait for the next large read. */
const MOST_SPARE = 16

/** What the reads of a worker are made of. */
export class ReadMemory {
  /** For small reads of all connections. */
  readonly shared: Buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  private readonly scavenge: (() => void) | undefined
  private readonly spare: Buffer[] = []
  private given = 0

  /** `scavenge` frees what is no longer used; called every 32 MiB. undefined: V8 alone frees it. */
  constructor(scavenge: (() => void) | undefined) {
    this.scavenge = scavenge
  }

  large(): Buffer {
    const spare = this.spare.pop()
    if (spare !== undefined) return spare
    this.spend(READ_BYTES)
    return Buffer.allocUnsafeSlow(READ_BYTES)
  }

  /** So many bytes of memory were read into, here or from a client, and will soon be dead. */
  spend(bytes: number): void {
    this.given += bytes
    if (this.given < SCAVENGE_BYTES) return
    this.given = 0
    this.scavenge?.()
  }

  /** Nothing uses it. */
  free(buffer: Buffer): void {
    if (this.spare.length < MOST_SPARE) this.spare.push(buffer)
  }
}

/**
 * Where a connection's reads go: into a buffer shared by all, as long as they are small; into one of its own, which then
 * needs no copying, while they are large. That serves again and again, unless a part of what was read in it is kept.
 */
export class ReadBuffers {
  private readonly memory: ReadMemory
  private large = false
  private own: Buffer | undefined = undefined
  private shares = false

  constructor(memory: ReadMemory) {
    this.memory = memory
  }

  /** For the next read. */
  next(): Buffer {
    const { memory, own } = this
    if (this.large) {
      this.own = own ?? memory.large()
      return this.own
    }
    this.own = undefined
    if (own !== undefined) memory.free(own)
    return memory.shared
  }

  /** After each read. */
  used(bytes: number): void {
    this.large = bytes > SMALL_READ && !this.shares
  }

  /**
   * From now on into the shared buffer alone. Node holds the next one all the time that nothing comes: what may be silent for
   * hours must have none of its own.
   */
  share(): void {
    this.shares = true
    this.large = false
  }

  /** What was read, in memory of its own. */
  copy(bytes: number, buffer: Buffer): Buffer {
    if (bytes > SMALL_READ) this.memory.spend(bytes)
    return Buffer.from(buffer.subarray(0, bytes))
  }

  /** A part of what was read in it is in use. */
  keep(buffer: Buffer): void {
    if (buffer === this.own) this.own = undefined
  }

  /** Whether what was read may be kept without copying. */
  owned(bytes: number, buffer: Buffer): boolean {
    return buffer !== this.memory.shared && bytes > SMALL_READ
  }
}
