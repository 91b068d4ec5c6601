import type { Downstream } from '../../core/downstream.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { BodyStage } from '../../core/policy.ts'
import type { Source, SourceEvents } from '../../core/source.ts'
import { asError } from '../../lib/as-error.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import { type Flow, Relay, type RelayOwner } from './relay.ts'

/** The run whose answer comes from a source. */
export interface SourceFeedOwner extends RelayOwner {
  /** Only reported. */
  bug(error: unknown): void
  /** The first chunk is there, or the end: the head may go out. */
  onSourceReady(): void
  /** The body is not whole, and nothing more of it comes. */
  onSourceBroken(why: Failure): void
}

const NO_FIELDS: FlatHeaders = Object.freeze([])

/**
 * Feeds a relay from a source, holds the source to its length, and cancels it once unless it ran to its end. The relay is
 * opened when the head has gone out, which waits for the first chunk: what has no byte to show is answered with a problem.
 */
export class SourceFeed implements SourceEvents, Flow {
  readonly relay: Relay
  /** It is an event stream. */
  readonly stream: boolean
  /** The first chunk has come, or the end. */
  ready = false
  private readonly owner: SourceFeedOwner
  private readonly source: Source
  private given = 0
  private over = false

  constructor(
    owner: SourceFeedOwner,
    source: Source,
    downstream: Downstream,
    stages: readonly BodyStage[],
    stream: boolean,
  ) {
    this.owner = owner
    this.source = source
    this.stream = stream
    this.relay = new Relay(owner, this, downstream, stages, NO_FIELDS)
  }

  start(): void {
    try {
      this.source.start(this)
    } catch (error) {
      this.thrown(error)
    }
  }

  pause(): void {
    if (!this.over) this.tell('pause')
  }

  resume(): void {
    if (!this.over) this.tell('resume')
  }

  cancel(): void {
    if (this.over) return
    this.over = true
    this.tell('cancel')
  }

  data(chunk: Buffer): void {
    if (this.over) return
    const { length } = this.source
    const isBuffer = Buffer.isBuffer(chunk)
    if (isBuffer) this.given += chunk.length
    if (!isBuffer || (length !== undefined && this.given > length)) {
      this.cancel()
      this.broken(new Error(isBuffer ? 'a source gave more than its length' : 'a source gave what is no Buffer'))
      return
    }
    if (chunk.length > 0) this.relay.onData(chunk)
    if (!this.over) this.begun()
  }

  end(): void {
    if (this.over) return
    this.over = true
    const { length } = this.source
    if (length !== undefined && this.given < length) {
      this.broken(new Error('a source gave less than its length'))
      return
    }
    this.relay.onEnd()
    this.begun()
  }

  fail(why: Failure | Error): void {
    if (this.over) return
    this.over = true
    this.broken(why)
  }

  private tell(what: 'pause' | 'resume' | 'cancel'): void {
    try {
      this.source[what]()
    } catch (error) {
      this.thrown(error)
    }
  }

  /** That of a plug-in may. */
  private thrown(error: unknown): void {
    if (this.over) {
      this.owner.bug(error)
      return
    }
    this.cancel()
    this.broken(asError(error))
  }

  private begun(): void {
    if (this.ready) return
    this.ready = true
    this.owner.onSourceReady()
  }

  private broken(why: Failure | Error): void {
    if (why instanceof Error) this.owner.bug(why)
    this.owner.onSourceBroken(why instanceof Error ? failure('internal', 'body', 'sluice') : why)
  }
}
