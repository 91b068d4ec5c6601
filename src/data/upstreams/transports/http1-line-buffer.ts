import { LF } from './http1-octets.ts'

const FIRST_CAPACITY = 256

/** Keeps the beginning of a line whose end has not arrived yet; each octet is copied once, whatever the pieces. */
export class LineBuffer {
  buffer: Buffer = EMPTY
  length = 0

  /** Takes octets up to and including the first LF; returns the position behind what it took. */
  take(buffer: Uint8Array, from: number, to: number): number {
    const lf = indexOfLf(buffer, from, to)
    const end = lf === -1 ? to : lf + 1
    this.reserve(this.length + end - from)
    this.buffer.set(buffer.subarray(from, end), this.length)
    this.length += end - from
    return end
  }

  get complete(): boolean {
    return this.length > 0 && this.buffer[this.length - 1] === LF
  }

  clear(): void {
    this.buffer = EMPTY
    this.length = 0
  }

  private reserve(length: number): void {
    if (length <= this.buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(length, this.buffer.length * 2, FIRST_CAPACITY))
    this.buffer.copy(grown, 0, 0, this.length)
    this.buffer = grown
  }
}

const EMPTY = Buffer.alloc(0)

/** Position of the first LF in `buffer[from, to)`, or -1. */
export function indexOfLf(buffer: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) if (buffer[i] === LF) return i
  return -1
}
