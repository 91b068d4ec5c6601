import type {
  Link,
  LinkOptions,
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

/** A transport without sockets, for unit tests of what stands above: the test says what the upstream does. */
export class HandTransport implements Transport {
  readonly protocol = 'http/1.1'
  /** Every connection ever opened, in order. */
  readonly connections: HandConnection[] = []

  open(target: Target, options: LinkOptions, owner: LinkOwner): HandConnection {
    const connection = new HandConnection(target, options, owner)
    this.connections.push(connection)
    return connection
  }
}

export class HandConnection implements Link, UpstreamStream {
  readonly target: Target
  readonly options: LinkOptions
  readonly capacity = 1
  closed = false
  served = 0
  retired: LifeLimit | undefined = undefined
  /** Targets of the requests it was given. */
  readonly requests: string[] = []
  readonly calls: string[] = []
  private readonly owner: LinkOwner
  private events: TransportEvents | undefined
  private holder: StreamHolder | undefined

  constructor(target: Target, options: LinkOptions, owner: LinkOwner) {
    this.target = target
    this.options = options
    this.owner = owner
  }

  get busy(): boolean {
    return this.events !== undefined
  }

  get state(): LinkState {
    return this.closed ? 'closed' : 'open'
  }

  start(request: TransportRequest, events: TransportEvents, holder: StreamHolder): this {
    if (this.closed || this.events !== undefined) throw new Error('started while closed or busy')
    this.requests.push(request.target)
    this.events = events
    this.holder = holder
    return this
  }

  /** The upstream answers; `close`: and closes the connection. */
  answer(status = 200, close = false): void {
    const events = this.take()
    events.onConnected(this.served > 0)
    events.onHead(status, [])
    this.served++
    this.closed = close
    events.onEnd(false)
    this.holder?.onReleased()
    if (close) this.gone()
  }

  fail(reason: TransportFailure['reason'] = 'connect_refused'): void {
    const events = this.take()
    this.closed = true
    events.onFailure({
      reason,
      phase: 'connect',
      connected: false,
      reused: false,
      bytesSent: false,
      refusedUnprocessed: false,
      requestDone: false,
      responseStarted: false,
    })
    this.holder?.onReleased()
    this.owner.onClosed()
  }

  /** The connection closes, idle or after an abort. */
  gone(): void {
    this.closed = true
    this.owner.onClosed()
  }

  write(chunk: Buffer): boolean {
    this.calls.push(`write ${chunk}`)
    return true
  }

  end(_trailers: FlatHeaders): void {
    this.calls.push('end')
  }

  pause(): void {
    this.calls.push('pause')
  }

  resume(): void {
    this.calls.push('resume')
  }

  abort(): void {
    this.calls.push('abort')
    this.events = undefined
    this.closed = true
  }

  close(): void {
    this.calls.push('close')
    this.closed = true
  }

  private take(): TransportEvents {
    const { events } = this
    if (events === undefined) throw new Error('no request is running')
    this.events = undefined
    return events
  }
}
