import { INCOMPLETE } from './lines.ts'
import { LF } from './octets.ts'

/** What a LineBuffer passes lines to. */
export interface LineReader {
  /**
   * Parses the line at `at`, and those behind it if it likes; returns the position behind the last whole one, or INCOMPLETE:
   * the line at `at` comes again, longer.
   */
  parseLine(buffer: Buffer, at: number, to: number): number
  /** `line[0, length)` is what has come of a line. */
  incompleteLine(length: number, line: Buffer): void
}

const FIRST_CAPACITY = 256

/** Keeps the beginning of a line whose end has not arrived yet; each octet is copied once, whatever the pieces. */
export class LineBuffer {
  private buffer: Buffer = EMPTY
  private length = 0

  /** Has the line at `at` parsed, or keeps what is there of it; returns the position behind what it took. */
  read(reader: LineReader, buffer: Buffer, at: number, to: number): number {
    const further = this.length > 0
    const next = further ? INCOMPLETE : reader.parseLine(buffer, at, to)
    if (next !== INCOMPLETE) return next
    const end = this.take(buffer, at, to)
    const { buffer: line, length } = this
    if (this.complete) {
      this.clear()
      reader.parseLine(line, 0, length)
    } else {
      if (further) reader.parseLine(line, 0, length)
      reader.incompleteLine(length, line)
    }
    return end
  }

  /** Takes octets up to and including the first LF; returns the position behind what it took. */
  private take(buffer: Uint8Array, from: number, to: number): number {
    const lf = indexOfLf(buffer, from, to)
    const end = lf === -1 ? to : lf + 1
    this.reserve(this.length + end - from)
    this.buffer.set(buffer.subarray(from, end), this.length)
    this.length += end - from
    return end
  }

  private get complete(): boolean {
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
function indexOfLf(buffer: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) if (buffer[i] === LF) return i
  return -1
}
