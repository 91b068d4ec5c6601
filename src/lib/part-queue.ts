const NOTHING = Buffer.alloc(0)

/** Parts of bytes in the order in which they came. Small ones may be copied together: each alone would take more than its bytes. */
export class PartQueue {
  private parts: Buffer[] = []
  private next = 0
  /** The latest part, where it is one of copies that may have room for more; and how much of it is used. */
  private tail: Buffer | undefined = undefined
  private tailLength = 0

  /** Keeps it as it is. */
  push(part: Buffer): void {
    this.closeTail()
    this.parts.push(part)
  }

  /** Copies it behind those before it. Returns the bytes of memory that were allocated for that, at least `block` if any. */
  copy(part: Buffer, block: number): number {
    let made = 0
    if (this.tail === undefined || this.tailLength + part.length > this.tail.length) {
      this.closeTail()
      made = Math.max(block, part.length)
      this.tail = Buffer.allocUnsafeSlow(made)
    }
    this.tailLength += part.copy(this.tail, this.tailLength)
    return made
  }

  /** In front of all others. */
  unshift(part: Buffer): void {
    if (this.next > 0) this.parts[--this.next] = part
    else this.parts.unshift(part)
  }

  /** The oldest; undefined: there is none. */
  take(): Buffer | undefined {
    if (this.next === this.parts.length) this.closeTail()
    const part = this.parts[this.next]
    if (part === undefined) return undefined
    this.parts[this.next++] = NOTHING
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
