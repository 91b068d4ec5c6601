import type { Duplex } from 'node:stream'
import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import { IGNORED } from '../../core/lessons.ts'
import type { Connected, Side } from '../../core/services.ts'
import type { Source, SourceEvents } from '../../core/source.ts'
import type { Reply, WholeReply } from '../../core/verdict.ts'
import { type FlatHeaders, fieldValue, removeFields } from '../../lib/headers.ts'
import { wholeNumber } from '../../lib/whole-number.ts'
import { takesBody } from './answer.ts'
import { RECOVERY_MS } from './clocks.ts'
import { CONTENT_LENGTH, Kind } from './fields.ts'
import { failedBehind } from './legs.ts'
import type { Run } from './request.ts'
import type { AnswerTaker, SideDownstream } from './side-downstream.ts'

/** What a cancelled request comes to. */
export const CANCELLED: Failure = failure('client_gone', 'request', 'client')
const BROKEN: Failure = failure('response_incomplete', 'body', 'upstream')

/** A request of a feature that never began. */
export function neverBegun(why: Failure): Side<never> {
  return { result: Promise.resolve(why), cancel: () => {} }
}

/** A request of a feature that is under way. */
export abstract class SideRun<A extends Reply> implements Side<A>, AnswerTaker {
  readonly result: Promise<A | Failure>
  private resolve!: (result: A | Failure) => void
  protected run!: Run
  protected downstream!: SideDownstream
  protected status = 0
  protected headers: string[] = []
  private ended: ((why: Failure | undefined) => void) | undefined = undefined

  constructor() {
    this.result = new Promise((resolve) => {
      this.resolve = resolve
    })
  }

  /** `ended` is called once, at its end. */
  begin(run: Run, downstream: SideDownstream, ended: (why: Failure | undefined) => void): void {
    this.run = run
    this.downstream = downstream
    this.ended = ended
    try {
      run.start()
    } catch (error) {
      run.onBug(error)
    }
  }

  cancel(): void {
    this.downstream.leave()
  }

  head(status: number, headers: FlatHeaders): void {
    this.status = status
    this.headers = withoutOurs(headers, this.run)
  }

  abstract data(chunk: Buffer): boolean

  end(): void {
    this.finish(this.failed)
  }

  broken(): void {
    this.finish(this.failed ?? BROKEN)
  }

  bodyBroken(why: Failure | Error): void {
    if (why instanceof Error) this.run.onBug(why)
    else this.run.fail(why)
  }

  /** A fallback is no answer to a feature. */
  protected get failed(): Failure | undefined {
    const { behind, ex } = this.run
    return ex.failure ?? failedBehind(behind)?.failed
  }

  protected settle(result: A | Failure): void {
    this.resolve(result)
  }

  protected finish(why: Failure | undefined): void {
    this.ended?.(why)
    this.ended = undefined
  }
}

/** Its answer is kept, up to a bound. */
export class CalledSide extends SideRun<WholeReply> {
  private readonly maxBody: number
  private chunks: Buffer[] = []
  private bytes = 0

  constructor(maxBody: number) {
    super()
    this.maxBody = maxBody
  }

  data(chunk: Buffer): boolean {
    // The text of a failure is for clients.
    if (this.failed !== undefined) return true
    this.bytes += chunk.length
    if (this.bytes <= this.maxBody) this.chunks.push(chunk)
    // The upstream is not to blame for what a feature can take.
    else this.run.fail({ ...BROKEN, detail: `The answer is larger than ${this.maxBody} bytes.`, teaches: IGNORED })
    return true
  }

  protected override finish(why: Failure | undefined): void {
    const { chunks, headers, status } = this
    const body = chunks.length === 0 ? undefined : Buffer.concat(chunks)
    this.chunks = []
    super.finish(why)
    this.settle(why ?? { status, headers, body })
  }
}

/** Bytes of the answer that refuses an upgrade: they are read, and dropped. */
const REFUSAL_BYTES = 65_536

/** It ends with the 101 of an upstream, whose end belongs to the asker from then on. */
export class ConnectedSide extends SideRun<Connected> {
  private dropped = 0

  /** An answer that refuses: whatever becomes of its text. */
  override head(status: number, headers: FlatHeaders): void {
    super.head(status, headers)
    if (this.failed === undefined) {
      const endpoint = this.run.ex.attempt?.endpoint ?? ''
      this.settle({ status, headers: this.headers, body: undefined, endpoint, socket: undefined })
    }
  }

  connected(headers: FlatHeaders, socket: Duplex, endpoint: string): void {
    this.settle({ status: 101, headers, body: undefined, endpoint, socket })
    this.finish(undefined)
  }

  data(chunk: Buffer): boolean {
    this.dropped += chunk.length
    if (this.dropped > REFUSAL_BYTES) this.downstream.leave()
    return true
  }

  protected override finish(why: Failure | undefined): void {
    super.finish(why)
    this.settle(why ?? BROKEN)
  }
}

/** Its answer is read as fast as it is taken. */
export class StreamedSide extends SideRun<Reply> implements Source {
  length: number | undefined = undefined
  private events: SourceEvents | undefined = undefined
  private taken = false
  private paused = false
  private blocked = false
  /** What came before it was started: one chunk, since nothing follows until there is room. */
  private held: Buffer[] = []
  private over: { readonly why: Failure | undefined } | undefined = undefined

  override head(status: number, headers: FlatHeaders): void {
    super.head(status, headers)
    if (this.failed !== undefined) return
    const length = fieldValue(headers, 'content-length')
    const { ex } = this.run
    this.length = takesBody(ex) ? (length === undefined ? undefined : wholeNumber(length)) : 0
    this.taken = true
    removeFields(this.headers, CONTENT_LENGTH)
    this.settle({ status, headers: this.headers, body: this })
  }

  data(chunk: Buffer): boolean {
    if (!this.taken) return true
    if (this.events === undefined) this.held.push(chunk)
    else this.give(this.events, chunk)
    this.blocked = this.events === undefined || this.paused
    return !this.blocked
  }

  start(events: SourceEvents): void {
    // Cancelled before.
    if (this.events !== undefined) return
    this.events = events
    for (const chunk of this.held.splice(0)) this.give(events, chunk)
    if (this.over !== undefined) this.tell(this.over.why)
    else if (!this.paused) this.resume()
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    if (!this.blocked || this.events === undefined) return
    this.blocked = false
    this.downstream.drained()
  }

  override cancel(): void {
    this.held = []
    this.events = UNREAD
    super.cancel()
  }

  protected override finish(why: Failure | undefined): void {
    super.finish(why)
    this.over = { why }
    if (!this.taken) this.settle(why ?? BROKEN)
    else if (this.events !== undefined) this.tell(why)
  }

  private tell(why: Failure | undefined): void {
    const { events } = this
    this.events = UNREAD
    try {
      if (why === undefined) events?.end()
      else events?.fail(why)
    } catch (error) {
      this.threw(error)
    }
  }

  private give(events: SourceEvents, chunk: Buffer): void {
    try {
      if (this.events === events) events.data(chunk)
    } catch (error) {
      this.threw(error)
    }
  }

  /** A socket calls us: what is thrown at an answer, such as by `JSON.parse`, would end the worker and the requests of all others. */
  private threw(error: unknown): void {
    this.cancel()
    this.run.onBug(error)
  }
}

const UNREAD: SourceEvents = { data: () => {}, end: () => {}, fail: () => {} }

/** Fields of the upstream's answer: without those that every answer of Sluice carries. */
function withoutOurs(headers: FlatHeaders, { snapshot }: Run): string[] {
  const out: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (snapshot.responseKinds.of(name) !== Kind.drop) out.push(name, headers[i + 1] as string)
  }
  return out
}

/** Milliseconds that a request for `parent` may take. */
export function timeFor(parent: Exchange | undefined, wanted: number, now: number): number {
  if (parent === undefined || parent.sent) return wanted
  const left = Math.min(parent.deadline, parent.startedAt + parent.offeredMs) - now
  return Math.min(wanted, parent.failure === undefined ? left : Math.max(left, RECOVERY_MS))
}
