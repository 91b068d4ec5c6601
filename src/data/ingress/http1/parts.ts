/** A part smaller than this is copied to the others: a buffer of its own would take more than its octets. */
const SMALL = 1_024
const TAIL = 8_192

/** `parts`: made when something must wait. */
export function lengthOf(parts: Parts | undefined): number {
  return parts === undefined ? 0 : parts.length
}

/** Octets that wait, in the order in which they came. */
export class Parts {
  length = 0
  private parts: Buffer[] = []
  private next = 0
  /** The latest part, where it is one of copies. */
  private tail: Buffer | undefined = undefined
  private tailLength = 0

  add(part: Buffer): void {
    this.length += part.length
    if (part.length >= SMALL) {
      this.closeTail()
      this.parts.push(part)
      return
    }
    if (this.tail !== undefined && this.tailLength + part.length > TAIL) this.closeTail()
    this.tail ??= Buffer.allocUnsafeSlow(TAIL)
    this.tailLength += part.copy(this.tail, this.tailLength)
  }

  /** What was taken last and not used goes to the front again. */
  putBack(part: Buffer): void {
    this.length += part.length
    if (this.next > 0) this.parts[--this.next] = part
    else this.parts.unshift(part)
  }

  /** undefined: there are none. */
  take(): Buffer | undefined {
    if (this.next === this.parts.length) this.closeTail()
    const part = this.parts[this.next]
    if (part === undefined) return undefined
    this.parts[this.next++] = NOTHING
    this.length -= part.length
    if (this.next === this.parts.length) {
      this.parts = []
      this.next = 0
    }
    return part
  }

  takeAll(): Buffer {
    this.closeTail()
    const all = Buffer.concat(this.parts.slice(this.next))
    this.clear()
    return all
  }

  clear(): void {
    this.length = 0
    this.parts = []
    this.next = 0
    this.tail = undefined
    this.tailLength = 0
  }

  private closeTail(): void {
    if (this.tail === undefined) return
    this.parts.push(this.tail.subarray(0, this.tailLength))
    this.tail = undefined
    this.tailLength = 0
  }
}

const NOTHING = Buffer.alloc(0)
