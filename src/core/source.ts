import type { Failure } from './failures.ts'

/** Learns what a source has. After `end` or `fail` nothing follows; after `cancel` nothing at all. */
export interface SourceEvents {
  /** The chunk belongs to the receiver. An empty one lets the head of an answer go out before its first byte is known. */
  data(chunk: Buffer): void
  /** That was all. */
  end(): void
  /** There will be no more, and what was given is not whole. An Error is a bug of the source, and is logged. */
  fail(why: Failure | Error): void
}

/**
 * A body that is read as fast as it is taken. It has one owner, who ends it: by letting it run to `end` or `fail`, or by
 * `cancel`. Until then it may hold something: a file, a connection. No call throws.
 */
export interface Source {
  /** Bytes; undefined: unknown. Giving more or less is an error, which breaks the answer. */
  readonly length: number | undefined
  /** Once. Chunks may come before it returns. */
  start(events: SourceEvents): void
  /** Nothing more is fetched; what is at hand already, at most {@link AT_HAND_BYTES}, may still be given. */
  pause(): void
  resume(): void
  /** The rest is not wanted: gives back what it holds, at once. Also for a source that was not started. Later calls do nothing. */
  cancel(): void
}

/** What a source that is paused may still give. */
export const AT_HAND_BYTES = 65_536

/** A body that is in memory: one chunk. */
export class MemorySource implements Source {
  readonly length: number
  private readonly body: Buffer
  private over = false

  constructor(body: Buffer) {
    this.body = body
    this.length = body.length
  }

  start(events: SourceEvents): void {
    if (this.over) return
    if (this.length > 0) events.data(this.body)
    if (!this.over) events.end()
  }

  pause(): void {}

  resume(): void {}

  cancel(): void {
    this.over = true
  }
}
