import type { DownstreamEvents } from '../../core/downstream.ts'
import type { Failure } from '../../core/failures.ts'
import type { Source, SourceEvents } from '../../core/source.ts'

/** The body of a request that a feature makes, from its source: held to its length, and cancelled unless it ran to its end. */
export class SideBody implements SourceEvents {
  /** Bytes so far. */
  came = 0
  private readonly source: Source
  private readonly to: DownstreamEvents
  private readonly broken: (why: Failure | Error) => void
  private over = false

  /** `broken`: it is not whole, and nothing more of it comes. */
  constructor(source: Source, to: DownstreamEvents, broken: (why: Failure | Error) => void) {
    this.source = source
    this.to = to
    this.broken = broken
  }

  start(): void {
    if (!this.over) this.source.start(this)
  }

  pause(): void {
    if (!this.over) this.source.pause()
  }

  resume(): void {
    if (!this.over) this.source.resume()
  }

  cancel(): void {
    if (this.over) return
    this.over = true
    this.source.cancel()
  }

  data(chunk: Buffer): void {
    if (this.over) return
    const { length } = this.source
    this.came += chunk.length
    if (length !== undefined && this.came > length) {
      this.cancel()
      this.broken(new Error('a source gave more than its length'))
    } else if (chunk.length > 0) this.to.onBody(chunk)
  }

  end(): void {
    if (this.over) return
    this.over = true
    const { length } = this.source
    if (length !== undefined && this.came < length) this.broken(new Error('a source gave less than its length'))
    else this.to.onBodyEnd([])
  }

  fail(why: Failure | Error): void {
    if (this.over) return
    this.over = true
    this.broken(why)
  }
}
