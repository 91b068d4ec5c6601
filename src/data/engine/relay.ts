import type { Downstream } from '../../core/downstream.ts'
import type { BodyStage } from '../../core/policy.ts'
import type { TransportFailure } from '../../core/transport.ts'
import { type FlatHeaders, fieldValues } from '../../lib/headers.ts'
import { COPIED_BYTES } from '../../lib/pieces.ts'
import { type AnswerBuffer, answerBuffer, type BufferOwner } from './answer-buffer.ts'
import type { AnswerSink } from './dispatch.ts'
import { passedOn } from './fields.ts'
import { type OnItsWay, upstreamDoneOnWay } from './legs.ts'
import type { Snapshot } from './snapshot.ts'

/** Where the body comes from: an attempt, or a source. */
export interface Flow {
  /** The one that answers; undefined: none does. */
  readonly upstream?: { readonly name: string }
  pause(): void
  resume(): void
}

/** What a relay reports to the run. */
export interface RelayOwner extends BufferOwner, OnItsWay {
  readonly snapshot: Pick<Snapshot, 'trailerKinds'>
  /** A byte of the answer moved. */
  onRelayed(): void
  /** The answer was passed on whole. */
  onRelayEnd(): void
  onRelayBroken(failure: TransportFailure): void
  onBug(error: unknown): void
}

/**
 * The answer's body on its way to the client, with backpressure. Held until `open` (an asynchronous
 * `respond` hook may still be waiting): what arrived by then is passed on in order.
 */
export class Relay implements AnswerSink {
  private readonly owner: RelayOwner
  private readonly flow: Flow
  private readonly downstream: Downstream
  private readonly stages: readonly BodyStage[]
  /** The head as it came. */
  private readonly headers: FlatHeaders
  private isOpen = false
  /** What has come before it was opened. */
  private held: (Buffer | (() => void))[] | undefined = undefined
  private blockedByClient = false
  /** What the client did not take; undefined: it took all so far, or nothing is kept for it. */
  private buffer: AnswerBuffer | undefined = undefined
  /** The latest part is in the buffer. */
  private buffered = false
  /** The answer waits for the client. */
  private paused = false
  /** All of the answer is here. */
  private ended = false
  private told = false
  /** The exchange has ended. */
  private over = false

  constructor(
    owner: RelayOwner,
    flow: Flow,
    downstream: Downstream,
    stages: readonly BodyStage[],
    headers: FlatHeaders,
  ) {
    this.owner = owner
    this.flow = flow
    this.downstream = downstream
    this.stages = stages
    this.headers = headers
  }

  /** Only the client delays the answer: its upstream is through with it, or waits. */
  get blocked(): boolean {
    return this.paused || this.ended
  }

  /** The client does not take what is here, whatever may come of the answer. */
  get unread(): boolean {
    return this.blocked || (this.blockedByClient && this.buffer?.isEmpty === false)
  }

  get borrows(): number {
    if (!this.passes) return 0
    return this.blockedByClient && this.buffer !== undefined ? COPIED_BYTES : (this.downstream.borrows ?? 0)
  }

  get keeps(): boolean {
    if (!this.passes) return true
    return this.buffered ? this.buffer?.keeps === true : (this.downstream.keeps ?? true)
  }

  /** The exchange has ended: nothing is kept any more, nor passed on. A stage that threw may be why, amid the others. */
  release(): void {
    this.over = true
    this.buffer?.clear()
  }

  /** The head went out: passes on what waits and all that follows. */
  open(): void {
    const { held } = this
    this.isOpen = true
    this.held = undefined
    if (held !== undefined) {
      for (const step of held) {
        if (this.over) return
        if (typeof step === 'function') step()
        else this.onData(step)
      }
    }
    if (!this.paused) this.flow.resume()
  }

  onData(chunk: Buffer): void {
    if (!this.isOpen) {
      this.hold(chunk)
      this.flow.pause()
      return
    }
    // What only joins what waits for the client is no sign of life of either.
    if (!this.blockedByClient) this.owner.onRelayed()
    if (this.stages.length === 0) this.write(chunk)
    else this.staged(chunk, 0)
  }

  onTrailers(headers: FlatHeaders): void {
    if (!this.isOpen) {
      this.hold(() => this.onTrailers(headers))
      return
    }
    const connection = fieldValues(this.headers, 'connection')
    this.downstream.trailers(passedOn(this.owner.snapshot.trailerKinds, headers, connection))
  }

  onEnd(): void {
    if (!this.isOpen) {
      this.hold(() => this.onEnd())
      return
    }
    for (let i = 0; i < this.stages.length && !this.over; i++) this.endStage(i)
    if (this.over) return
    this.ended = true
    upstreamDoneOnWay(this.owner)
    this.finish()
  }

  /** At once, whatever is held: before the head has gone out, the client can still get another answer. */
  onBroken(failure: TransportFailure): void {
    this.owner.onRelayBroken(failure)
  }

  onDrain(): void {
    this.blockedByClient = false
    this.owner.onRelayed()
    const { buffer } = this
    while (buffer !== undefined && !this.blockedByClient && !buffer.isEmpty)
      this.blockedByClient = !this.downstream.write(buffer.take() as Buffer)
    if (this.paused && (!this.blockedByClient || buffer?.isLow)) {
      this.paused = false
      this.flow.resume()
    }
    this.finish()
  }

  private finish(): void {
    if (!this.ended || this.told || this.buffer?.isEmpty === false) return
    this.told = true
    this.owner.onRelayEnd()
  }

  private hold(step: Buffer | (() => void)): void {
    this.held ??= []
    this.held.push(step)
  }

  /** What comes goes to the downstream at once. */
  private get passes(): boolean {
    return this.isOpen && this.stages.length === 0
  }

  private write(chunk: Buffer): void {
    const { buffer } = this
    this.buffered = buffer !== undefined && (this.blockedByClient || !buffer.isEmpty)
    if (this.buffered) buffer?.add(chunk)
    else if (this.downstream.write(chunk)) return
    else this.block()
    if (this.paused || this.buffer?.hasRoom) return
    this.paused = true
    this.flow.pause()
    const { plan } = this.owner.route ?? {}
    if (this.buffer !== undefined && this.flow.upstream !== undefined) plan?.buffers.onPaused(this.flow.upstream.name)
  }

  private block(): void {
    this.blockedByClient = true
    if (this.flow.upstream !== undefined) this.buffer ??= answerBuffer(this.owner, this.headers)
  }

  private staged(chunk: Buffer, from: number): void {
    if (this.over) return
    const stage = this.stages[from]
    if (stage === undefined) {
      this.write(chunk)
      return
    }
    try {
      const out = stage.push(chunk)
      if (out === undefined) return
      if (out instanceof Buffer) this.staged(out, from + 1)
      else if (Array.isArray(out)) for (const part of out) this.staged(part, from + 1)
      else throw new Error('a stage of an answer cannot refuse')
    } catch (error) {
      this.owner.onBug(error)
    }
  }

  private endStage(at: number): void {
    try {
      const rest = this.stages[at]?.end()
      if (rest instanceof Buffer) this.staged(rest, at + 1)
    } catch (error) {
      this.owner.onBug(error)
    }
  }
}
