import {
  type BodyStage,
  defineFeature,
  type Exchange,
  type FeatureContext,
  failure,
  type Infer,
  object,
  type Policy,
  ratio,
  reference,
  required,
  type Side,
  type Source,
  type SourceEvents,
  withDefault,
} from 'sluice'

const keys = object({
  upstream: required(reference('upstream'), 'Which upstream gets the copies.'),
  share: withDefault(ratio(), '100%', 'Share of the requests that are copied.'),
})

/** Sends copies of requests to another upstream, whose answers go nowhere. Requests never wait for it. */
export default defineFeature({
  name: 'mirror',
  doc: 'Sends copies of requests to another upstream.',
  keys: { route: keys },
  places: { copy: { stage: 79, why: 'Behind all that shapes what goes upstream.' } },
  compile: (options, context) => ({ copy: new Mirror(options, context) }),
})

class Mirror implements Policy {
  readonly name: string
  private readonly options: Infer<typeof keys>
  private readonly context: FeatureContext
  private readonly copies

  constructor(options: Infer<typeof keys>, context: FeatureContext) {
    this.name = context.feature
    this.options = options
    this.context = context
    this.copies = context.exchangeState<Copy>()
  }

  admit(ex: Exchange): undefined {
    if (ex.kind !== 'request' || this.context.random.float() >= this.options.share) return
    if (ex.downstream.contentLength === 0) this.send(ex, undefined)
    else this.copies.set(ex, new Copy())
  }

  requestBody(ex: Exchange): BodyStage | undefined {
    const copy = this.copies.of(ex)
    if (copy !== undefined) copy.side = this.send(ex, copy)
    return copy && { changesLength: false, push: (chunk) => copy.push(chunk), end: () => copy.finish() }
  }

  /** The request has ended, whatever became of its body. */
  settle(ex: Exchange): void {
    this.copies.of(ex)?.breakOff()
  }

  private send(ex: Exchange, body: Copy | undefined): Side<unknown> {
    const { services } = this.context
    const head = {
      method: ex.method,
      target: ex.forwardTarget,
      authority: ex.forwardAuthority,
      headers: services.forwardHeaders(ex),
    }
    const { upstream } = this.options
    const copied = { upstream, head, parent: ex, detached: true, deadlineMs: 10_000, teaches: false }
    const side = services.stream(body === undefined ? copied : { ...copied, body })
    void side.result.then((answer) => {
      // Its answer may be whatever it likes: what is not read must be cancelled.
      if ('status' in answer && answer.body !== undefined && !Buffer.isBuffer(answer.body)) answer.body.cancel()
    })
    return side
  }
}

/** Bytes that may wait for a slow mirror; with more than that the copy is given up. */
const WAITING = 262_144

/** A body on its way to the mirror, while the request goes on as if there were none. */
class Copy implements Source {
  readonly length = undefined
  side: Side<unknown> | undefined = undefined
  private events: SourceEvents | undefined = undefined
  private waiting: Buffer[] = []
  private bytes = 0
  private paused = false
  private whole = false
  private over = false

  push(chunk: Buffer): Buffer {
    if (this.over) return chunk
    this.waiting.push(chunk)
    this.bytes += chunk.length
    this.pump()
    if (this.bytes > WAITING) this.breakOff()
    return chunk
  }

  finish(): undefined {
    this.whole = true
    this.pump()
  }

  breakOff(): void {
    if (this.over || this.whole) return
    this.over = true
    this.events?.fail(failure('client_gone', 'send', 'client'))
    this.side?.cancel()
  }

  start(events: SourceEvents): void {
    this.events = events
    this.pump()
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.pump()
  }

  cancel(): void {
    this.over = true
    this.waiting = []
  }

  private pump(): void {
    const { events } = this
    while (events !== undefined && !this.paused && !this.over && this.waiting.length > 0) {
      const chunk = this.waiting.shift() as Buffer
      this.bytes -= chunk.length
      events.data(chunk)
    }
    if (events === undefined || !this.whole || this.over || this.waiting.length > 0) return
    this.over = true
    events.end()
  }
}
