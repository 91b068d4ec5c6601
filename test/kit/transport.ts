import type {
  Connection,
  ConnectionOptions,
  ConnectionOwner,
  Target,
  Transport,
  TransportEvents,
  TransportFailure,
  TransportRequest,
} from '../../src/core/transport.ts'
import type { FlatHeaders } from '../../src/lib/headers.ts'
import type { LifeLimit } from '../../src/lib/lifetime.ts'

/** A transport without sockets, for unit tests of what stands above: the test says what the upstream does. */
export class HandTransport implements Transport {
  readonly name = 'hand'
  /** Every connection ever opened, in order. */
  readonly connections: HandConnection[] = []

  open(target: Target, options: ConnectionOptions, owner: ConnectionOwner): HandConnection {
    const connection = new HandConnection(target, options, owner)
    this.connections.push(connection)
    return connection
  }
}

export class HandConnection implements Connection {
  readonly target: Target
  readonly options: ConnectionOptions
  closed = false
  served = 0
  retired: LifeLimit | undefined = undefined
  /** Targets of the requests it was given. */
  readonly requests: string[] = []
  readonly calls: string[] = []
  private readonly owner: ConnectionOwner
  private events: TransportEvents | undefined

  constructor(target: Target, options: ConnectionOptions, owner: ConnectionOwner) {
    this.target = target
    this.options = options
    this.owner = owner
  }

  get busy(): boolean {
    return this.events !== undefined
  }

  start(request: TransportRequest, events: TransportEvents): void {
    if (this.closed || this.events !== undefined) throw new Error('started while closed or busy')
    this.requests.push(request.target)
    this.events = events
  }

  /** The upstream answers; `close`: and closes the connection. */
  answer(status = 200, close = false): void {
    const events = this.take()
    events.onConnected(this.served > 0)
    events.onHead(status, [])
    this.served++
    events.onEnd()
    if (close) this.gone()
    else this.owner.onIdle(this)
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
      requestDone: false,
      responseStarted: false,
    })
    this.owner.onClosed(this)
  }

  /** The connection closes, idle or after an abort. */
  gone(): void {
    this.closed = true
    this.owner.onClosed(this)
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
