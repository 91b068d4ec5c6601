const HEADER_BYTES = 256
/** A power of two: positions wrap with 32-bit arithmetic. */
const DATA_BYTES = 1_048_576
/** Each word on a cache line of its own. */
const HEAD = 0
const TAIL = 16
const FULL = 32
const LOST = 48
const LATIN1 = 'latin1'

/** Shared memory of one ring: 1 MiB for lines, and its positions. */
export function createRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + DATA_BYTES)
}

/** Lines that never reached stdout: the ring was full, or stdout was gone. Wraps at 2^32. */
export function ringDropped(ring: SharedArrayBuffer): number {
  const words = new Int32Array(ring, 0, HEADER_BYTES / 4)
  return (Atomics.load(words, FULL) + Atomics.load(words, LOST)) >>> 0
}

/**
 * The writing end of a ring of whole lines: one writer, one reader, no locks (Lamport, "Specifying Concurrent Program
 * Modules", 1983). One store publishes a line once it is whole, so that a writer that dies midway leaves nothing behind,
 * and the next writer goes on where the last whole line ended. Never blocks: a line that does not fit is dropped and
 * counted.
 */
export class RingWriter {
  private readonly words: Int32Array
  private readonly data: Buffer
  private head: number
  /** As last read: the reader may have advanced since. */
  private tail: number

  constructor(ring: SharedArrayBuffer) {
    this.words = new Int32Array(ring, 0, HEADER_BYTES / 4)
    this.data = Buffer.from(ring as unknown as ArrayBuffer, HEADER_BYTES, DATA_BYTES)
    this.head = Atomics.load(this.words, HEAD)
    this.tail = Atomics.load(this.words, TAIL)
  }

  /** `line`: ASCII, with its line feed. False: dropped. */
  write(line: string): boolean {
    const length = line.length
    if (!this.fits(length)) {
      Atomics.add(this.words, FULL, 1)
      return false
    }
    const start = this.head & (DATA_BYTES - 1)
    const room = DATA_BYTES - start
    if (length <= room) this.data.write(line, start, length, LATIN1)
    else {
      this.data.write(line.slice(0, room), start, room, LATIN1)
      this.data.write(line.slice(room), 0, length - room, LATIN1)
    }
    this.head = (this.head + length) | 0
    Atomics.store(this.words, HEAD, this.head)
    return true
  }

  private fits(length: number): boolean {
    if (((this.head - this.tail) | 0) + length <= DATA_BYTES) return true
    this.tail = Atomics.load(this.words, TAIL)
    return ((this.head - this.tail) | 0) + length <= DATA_BYTES
  }
}

/** The reading end. */
export class RingReader {
  private readonly words: Int32Array
  private readonly data: Uint8Array

  constructor(ring: SharedArrayBuffer) {
    this.words = new Int32Array(ring, 0, HEADER_BYTES / 4)
    this.data = new Uint8Array(ring, HEADER_BYTES, DATA_BYTES)
  }

  /**
   * Published bytes from the oldest on, up to the end of the memory: a line may continue at the beginning of the memory. A
   * view, not a copy.
   */
  peek(): Uint8Array {
    const tail = Atomics.load(this.words, TAIL)
    const length = (Atomics.load(this.words, HEAD) - tail) | 0
    const start = tail & (DATA_BYTES - 1)
    return this.data.subarray(start, Math.min(start + length, DATA_BYTES))
  }

  /** Releases the first `bytes` that `peek` returned. */
  consume(bytes: number): void {
    Atomics.add(this.words, TAIL, bytes)
  }

  /** Counts lines that could not be written out. */
  lost(lines: number): void {
    Atomics.add(this.words, LOST, lines)
  }
}
