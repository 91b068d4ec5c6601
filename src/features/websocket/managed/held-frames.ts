import type { Duplex } from 'node:stream'
import type { Sender } from 'ws'

const FIRST_BYTES = 1024
const NONE = Buffer.alloc(0)

/**
 * Messages of a client that wait for an upstream, as the frames that it will get, in one piece of memory: what they take is
 * their bytes, however small they are, and never the chunk that they came in.
 */
export class HeldFrames {
  private readonly bound: number
  private readonly sender: Sender
  private bytes: Buffer = NONE
  private used = 0

  /** @param bound bytes from which it is full: it takes what it is given anyway */
  constructor(sender: typeof Sender, bound: number) {
    this.bound = bound
    // All that a sender does with a socket.
    this.sender = new sender({
      cork: () => {},
      uncork: () => {},
      write: (chunk: Buffer) => this.append(chunk),
    } as unknown as Duplex)
  }

  get full(): boolean {
    return this.used >= this.bound
  }

  add(data: Buffer, binary: boolean): void {
    this.sender.send(data, { binary, compress: false, fin: true, mask: true })
  }

  /** All of it, for the upstream; it is empty then. */
  take(): Buffer {
    const all = this.bytes.subarray(0, this.used)
    this.bytes = NONE
    this.used = 0
    return all
  }

  private append(chunk: Buffer): boolean {
    const needed = this.used + chunk.length
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, needed, this.bytes.length * 2))
      this.bytes.copy(larger, 0, 0, this.used)
      this.bytes = larger
    }
    chunk.copy(this.bytes, this.used)
    this.used = needed
    return true
  }
}
