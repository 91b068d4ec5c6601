import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { Source, SourceEvents } from '../../core/source.ts'
import { dropReply, isReply, type Refusal, type Reply } from '../../core/verdict.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import { isThenable } from '../../lib/thenable.ts'
import type { Chain } from './chain.ts'
import { refused } from './ends.ts'
import type { RequestBody } from './replay.ts'

/** Of a run, as far as an answer inside the process needs it. */
export interface HandledRun {
  readonly ex: Exchange
  readonly chain: Chain
  readonly over: boolean
  /** An answer was chosen. */
  readonly answering: boolean
  readonly body: RequestBody | undefined
  /** Bytes of the request's body; -1: unknown. */
  readonly bodyLength: number
  /** False: a policy does not let the body pass. */
  openBody(): boolean
  fail(why: Failure): void
  answer(reply: Reply): void
  onBug(error: unknown): void
}

/** Lets the policy answer that does so inside the process. */
export function handle(run: HandledRun): void {
  const place = run.chain.hooks.handle[0]
  const policy = place === undefined ? undefined : run.chain.policies[place]
  if (policy?.handle === undefined) {
    run.fail(failure('internal', 'request', 'sluice'))
    return
  }
  const body = new HandledBody(run)
  const answered = (given: Reply | Refusal | undefined): void => {
    if (given === undefined) run.onBug(new Error(`the handler of ${policy.name} gave no answer`))
    else decided(given)
  }
  const decided = (given: Reply | Refusal): void => {
    if (run.over || run.answering) {
      if (isReply(given)) dropReply(given)
    } else if (isReply(given)) run.answer(given)
    else run.fail(refused(given, 'limit'))
  }
  try {
    const given = policy.handle(run.ex, body)
    if (isThenable(given)) Promise.resolve(given).then(answered, (error: unknown) => run.onBug(error))
    else answered(given)
  } catch (error) {
    run.onBug(error)
  }
}

/** The body of a request, for who answers it: read as fast as it is taken. What is left of it when the answer comes is dropped. */
class HandledBody implements Source {
  readonly length: number | undefined
  private readonly run: HandledRun
  private events: SourceEvents | undefined = undefined
  private paused = false
  private over = false

  constructor(run: HandledRun) {
    this.run = run
    this.length = run.bodyLength === -1 ? undefined : run.bodyLength
  }

  start(events: SourceEvents): void {
    const { run } = this
    if (this.over) return
    this.events = events
    if (this.length === 0) this.end()
    else if (run.openBody()) run.body?.feed(this)
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    if (!this.over) this.run.body?.onDrain()
  }

  cancel(): void {
    this.over = true
    this.run.body?.discard()
  }

  /** @internal A chunk. False: `onDrain` of the body must follow. */
  write(chunk: Buffer): boolean {
    if (!this.over) {
      try {
        this.events?.data(chunk)
      } catch (error) {
        this.threw(error)
      }
    }
    return !this.paused
  }

  /** @internal */
  end(_trailers: FlatHeaders = []): void {
    if (this.over) return
    this.over = true
    try {
      this.events?.end()
    } catch (error) {
      this.threw(error)
    }
  }

  /** @internal The request has ended, however that is. */
  broken(): void {
    if (this.over) return
    this.over = true
    try {
      this.events?.fail(failure('client_gone', 'request', 'client'))
    } catch (error) {
      this.threw(error)
    }
  }

  /** A socket calls us: what is thrown at a body, such as by `JSON.parse`, would end the worker and the requests of all others. */
  private threw(error: unknown): void {
    this.cancel()
    this.run.onBug(error)
  }
}
