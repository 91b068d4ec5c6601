import type { Duplex } from 'node:stream'

/** Parts that may wait for a side: each costs some hundred bytes, whatever it holds. */
const MOST_PARTS = 256

/** Writes to one side of a tunnel, and says when it takes no more: it has as many bytes as it wants, or too many parts of them. */
export class TunnelWriter {
  private readonly side: Duplex
  private readonly onRoom: () => void
  /** Those that the system has not taken. */
  private parts = 0
  /** `onRoom` is due. */
  private waits = false

  /** `onRoom`: it takes more again, after it was full. */
  constructor(side: Duplex, onRoom: () => void) {
    this.side = side
    this.onRoom = onRoom
    side.on('drain', this.look)
  }

  /** The side that feeds it is not to be read until `onRoom`. */
  get full(): boolean {
    return this.side.writableNeedDrain || this.parts >= MOST_PARTS
  }

  /** At once, full or not. */
  write(part: Buffer): void {
    this.parts++
    this.side.write(part, this.onWritten)
    this.waits ||= this.full
  }

  private readonly onWritten = (error: Error | null | undefined): void => {
    this.parts--
    if (!error) this.look()
  }

  private readonly look = (): void => {
    if (!this.waits || this.full) return
    this.waits = false
    this.onRoom()
  }
}
