import { asError } from '../lib/as-error.ts'
import type { Source, SourceEvents } from './source.ts'

/** A body that an asynchronous iterable gives: a generator, a stream of Node or of the web. One chunk is asked for at a time. */
export class IterableSource implements Source {
  readonly length: number | undefined
  private readonly chunks: AsyncIterable<Uint8Array>
  private iterator: AsyncIterator<Uint8Array> | undefined = undefined
  private events: SourceEvents | undefined = undefined
  private paused = false
  private pending = false
  private over = false

  constructor(chunks: AsyncIterable<Uint8Array>, length?: number) {
    this.chunks = chunks
    this.length = length
  }

  start(events: SourceEvents): void {
    if (this.over) return
    this.events = events
    this.next()
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.next()
  }

  cancel(): void {
    if (this.over) return
    this.over = true
    void this.close()
  }

  private next(): void {
    if (this.over || this.paused || this.pending || this.events === undefined) return
    this.pending = true
    void this.take()
  }

  private async take(): Promise<void> {
    try {
      this.iterator ??= this.chunks[Symbol.asyncIterator]()
      const { done, value } = await this.iterator.next()
      this.pending = false
      if (this.over) return
      if (done !== true) this.give(value)
      else {
        this.over = true
        this.events?.end()
      }
    } catch (error) {
      if (this.over) return
      this.over = true
      this.events?.fail(asError(error))
    }
  }

  private give(value: unknown): void {
    if (value instanceof Uint8Array) {
      this.events?.data(Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength))
      this.next()
      return
    }
    this.over = true
    void this.close()
    this.events?.fail(new Error('a chunk of a body is no bytes'))
  }

  /** The iterator of a stream of Node waits for the next chunk before it ends, and does nothing if it was never begun. */
  private async close(): Promise<void> {
    const stream: { destroy?(): void } = this.chunks as object
    try {
      if (typeof stream.destroy === 'function') stream.destroy()
      else await (this.iterator ?? this.chunks[Symbol.asyncIterator]()).return?.()
    } catch {
      // The rest was not wanted.
    }
  }
}
