import { FrameReader } from '../wire/frames.ts'

/**
 * What a message in fragments may keep in memory. The receiver of `ws` keeps each fragment as a view of the chunk that it came in, so that
 * one byte between control frames holds all of these: what counts is what was read since the message began.
 */
export class Fragments extends FrameReader {
  private inProgress = false
  private since = 0

  /** Bytes that the message in progress may hold, with this chunk. */
  read(chunk: Buffer): number {
    const bytes = this.take(chunk)
    let at = this.pass(bytes, 0)
    while (this.atBoundary && at < bytes.length) {
      const end = this.begin(bytes, at)
      if (end < 0) {
        this.keep(bytes, at)
        break
      }
      if (this.isData) {
        this.inProgress = !this.fin
        if (this.fin) this.since = 0
      }
      at = this.pass(bytes, end)
    }
    if (this.inProgress) this.since += chunk.length
    return this.since
  }
}
