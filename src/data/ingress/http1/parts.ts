import { PartQueue } from '../../../lib/part-queue.ts'

/** A part smaller than this is copied to the others: a buffer of its own would take more than its octets. */
const SMALL = 1_024
const BLOCK = 8_192

/** `parts`: made when something must wait. */
export function lengthOf(parts: Parts | undefined): number {
  return parts === undefined ? 0 : parts.length
}

/** Octets that wait, in the order in which they came. */
export class Parts {
  length = 0
  private readonly queue = new PartQueue()

  add(part: Buffer): void {
    this.length += part.length
    if (part.length >= SMALL) this.queue.push(part)
    else this.queue.copy(part, BLOCK)
  }

  /** What was taken last and not used goes to the front again. */
  putBack(part: Buffer): void {
    this.length += part.length
    this.queue.unshift(part)
  }

  /** undefined: there are none. */
  take(): Buffer | undefined {
    const part = this.queue.take()
    if (part !== undefined) this.length -= part.length
    return part
  }

  takeAll(): Buffer {
    this.length = 0
    return this.queue.takeAll()
  }

  clear(): void {
    this.length = 0
    this.queue.clear()
  }
}
