import type {
  Link,
  LinkOwner,
  LinkState,
  StreamHolder,
  Target,
  Transport,
  TransportEvents,
  TransportFailure,
  TransportRequest,
  UpstreamStream,
} from '../../src/core/transport.ts'
import type { FlatHeaders } from '../../src/lib/headers.ts'
import type { LifeLimit } from '../../src/lib/lifetime.ts'

/** Links with many streams, without sockets: the test says what the peer does. */
export class MemoryTransport implements Transport {
  readonly protocol = 'http/1.1'
  /** All that were ever opened, in order. */
  readonly links: MemoryLink[] = []
  private readonly assumed: number

  /** `assumed`: the capacity of a link that is being opened. */
  constructor(assumed = 8) {
    this.assumed = assumed
  }

  open(_target: Target, _options: unknown, owner: LinkOwner): MemoryLink {
    const link = new MemoryLink(owner, this.assumed)
    this.links.push(link)
    return link
  }

  link(index: number): MemoryLink {
    return this.links[index] as MemoryLink
  }

  /** Streams under way, in the order of their links. */
  get streams(): readonly MemoryStream[] {
    return this.links.flatMap((link) => link.streams)
  }
}

export class MemoryLink implements Link {
  state: LinkState = 'open'
  capacity: number
  served = 0
  retired: LifeLimit | undefined = undefined
  connected = false
  /** Those under way, in order. */
  streams: MemoryStream[] = []
  private readonly owner: LinkOwner

  constructor(owner: LinkOwner, assumed: number) {
    this.owner = owner
    this.capacity = assumed
  }

  start(request: TransportRequest, events: TransportEvents, holder: StreamHolder): MemoryStream {
    if (this.state !== 'open' || this.streams.length >= this.capacity) throw new Error('started without room')
    const stream = new MemoryStream(this, request, events, holder)
    this.streams.push(stream)
    if (this.connected) queueMicrotask(() => stream.begin())
    return stream
  }

  /** The connection is there, and the peer takes so many streams: what has no room goes back. */
  connect(capacity = this.capacity): void {
    this.connected = true
    this.capacity = capacity
    for (const stream of this.streams.splice(capacity).reverse()) stream.giveBack()
    this.owner.onCapacity()
    for (const stream of [...this.streams]) stream.begin()
  }

  /** From now on it takes so many. */
  resize(capacity: number): void {
    this.capacity = capacity
    this.owner.onCapacity()
  }

  /** The peer takes no further stream, and has done nothing with those behind the first `processed`. */
  goAway(processed: number): void {
    this.leave()
    for (const stream of this.streams.slice(processed)) stream.refuse('goes_away')
    this.closeIfLeft()
  }

  /** It has reached a limit of its life. */
  retire(limit: LifeLimit): void {
    this.retired = limit
    this.leave()
    this.closeIfLeft()
  }

  /** It breaks, or never comes about. */
  fail(facts: Partial<TransportFailure> = {}): void {
    const { connected } = this
    this.state = 'closed'
    for (const stream of [...this.streams])
      stream.fail({ phase: connected ? 'headers' : 'connect', connected, bytesSent: connected, ...facts })
    this.owner.onClosed()
  }

  close(): void {
    if (this.streams.length > 0 || this.state === 'closed') return
    this.state = 'closed'
    this.owner.onClosed()
  }

  /** @internal */
  forget(stream: MemoryStream): void {
    this.streams = this.streams.filter((other) => other !== stream)
  }

  /** @internal */
  closeIfLeft(): void {
    if (this.state === 'leaving') this.close()
  }

  private leave(): void {
    this.state = 'leaving'
    this.owner.onGoAway()
  }
}

export class MemoryStream implements UpstreamStream {
  readonly request: TransportRequest
  sent = ''
  ended: boolean
  paused = false
  aborted = false
  private readonly link: MemoryLink
  private readonly events: TransportEvents
  private readonly holder: StreamHolder
  private begun = false

  constructor(link: MemoryLink, request: TransportRequest, events: TransportEvents, holder: StreamHolder) {
    this.link = link
    this.request = request
    this.events = events
    this.holder = holder
    this.ended = request.contentLength === 0
  }

  /** @internal */
  begin(): void {
    if (this.begun || this.aborted) return
    this.begun = true
    this.events.onConnected(this.link.served > 0)
    if (this.request.contentLength !== 0 && !this.aborted) this.events.onWantBody()
  }

  /** `failed`: it says so behind its head. */
  answer(
    status: number,
    { body = '', failed = false }: { readonly body?: string; readonly failed?: boolean } = {},
  ): void {
    this.head(status)
    if (body !== '' && !this.aborted) this.events.onData(Buffer.from(body))
    this.finish(failed)
  }

  /** The head alone; `finish` follows. */
  head(status: number): void {
    this.begin()
    this.events.onHead(status, [])
  }

  finish(failed = false): void {
    if (this.aborted) return
    this.link.served++
    this.link.forget(this)
    this.events.onEnd(failed)
    this.holder.onReleased()
    this.link.closeIfLeft()
  }

  /** The peer has done nothing with it. */
  refuse(refusedUnprocessed: 'goes_away' | 'refused' = 'refused'): void {
    this.fail({ refusedUnprocessed })
    this.link.closeIfLeft()
  }

  fail(facts: Partial<TransportFailure> = {}): void {
    if (this.aborted) return
    this.link.forget(this)
    this.events.onFailure({
      reason: 'upstream_reset',
      phase: 'headers',
      connected: true,
      reused: false,
      bytesSent: true,
      refusedUnprocessed: false,
      requestDone: this.ended,
      responseStarted: false,
      ...facts,
    } as TransportFailure)
    this.holder.onReleased()
  }

  /** @internal */
  giveBack(): void {
    this.holder.onReturned()
  }

  write(chunk: Buffer): boolean {
    this.sent += chunk.toString('latin1')
    return true
  }

  end(_trailers: FlatHeaders): void {
    this.ended = true
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  abort(): void {
    this.aborted = true
    this.link.forget(this)
    this.link.closeIfLeft()
  }
}
