/**
 * A read larger than this is told in place; a smaller one is cheaper copied than its buffer replaced. TLS reads are
 * never larger: a buffer each would be three quarters empty.
 */
const SMALL_READ = 16_384
export const READ_BYTES = 65_536

/**
 * Where a connection's reads go: into a buffer shared by all, as long as they are small; into buffers of its own, which
 * then need no copying, while they are large.
 */
export class ReadBuffers {
  private readonly shared: Buffer
  private large = false

  constructor(shared: Buffer) {
    this.shared = shared
  }

  /** For the next read. */
  next(): Buffer {
    return this.large ? Buffer.allocUnsafeSlow(READ_BYTES) : this.shared
  }

  /** After each read. */
  used(bytes: number): void {
    this.large = bytes > SMALL_READ
  }

  /** Whether what was read may be kept without copying. */
  owned(bytes: number, buffer: Buffer): boolean {
    return buffer !== this.shared && bytes > SMALL_READ
  }
}
