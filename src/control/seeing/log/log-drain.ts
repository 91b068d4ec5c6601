import { RingReader } from '../../../cells/ring.ts'

/** Longest write at once: written bytes are given back to the worker piece by piece. */
const MAX_WRITE = 65_536
const LINE_FEED = 10
const LINE_END = new Uint8Array([LINE_FEED])

/** Writes some of the bytes, as `fs.writeSync`: returns how many, or throws. */
export type WriteOut = (bytes: Uint8Array) => number

/**
 * Moves whole lines from the rings to one output. An output that is full for now (EAGAIN) is left for later; one that fails
 * otherwise (EPIPE, ENOSPC) loses the lines that were due, which is counted, and is retried.
 */
export class LogDrain {
  private readonly rings: readonly RingReader[]
  private readonly write: WriteOut
  /** The ring whose turn it is; while its line is half written no other may come between. */
  private turn = 0
  /** The last byte that went out was not the end of a line. */
  private midLine = false
  /** That line's rest is lost: it must be ended before the next one. */
  private torn = false

  constructor(rings: readonly SharedArrayBuffer[], write: WriteOut) {
    this.rings = rings.map((ring) => new RingReader(ring))
    this.write = write
  }

  /** Empties every ring once. False: the output is full; call it again soon. */
  round(): boolean {
    for (let i = 0; i < this.rings.length; i++) {
      if (!this.empty(this.rings[this.turn] as RingReader)) return false
      this.turn = (this.turn + 1) % this.rings.length
    }
    return true
  }

  /** Drops, and counts, what is still due. */
  abandon(): void {
    for (const ring of this.rings) this.lose(ring)
  }

  private empty(ring: RingReader): boolean {
    for (let bytes = ring.peek(); bytes.length > 0; bytes = ring.peek()) {
      try {
        const written = this.put(bytes.subarray(0, MAX_WRITE))
        if (written === 0) return false
        this.midLine = bytes[written - 1] !== LINE_FEED
        ring.consume(written)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'EAGAIN') return false
        if (code !== 'EINTR') this.lose(ring)
      }
    }
    return true
  }

  /** Published bytes end with a line: so do the lost ones. */
  private lose(ring: RingReader): void {
    let lines = 0
    for (let bytes = ring.peek(); bytes.length > 0; bytes = ring.peek()) {
      for (const byte of bytes) if (byte === LINE_FEED) lines++
      ring.consume(bytes.length)
    }
    ring.lost(lines)
    this.torn ||= this.midLine
    this.midLine = false
  }

  private put(bytes: Uint8Array): number {
    if (this.torn) {
      if (this.write(LINE_END) === 0) return 0
      this.torn = false
    }
    return this.write(bytes)
  }
}
