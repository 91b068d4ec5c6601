import type { Duplex } from 'node:stream'
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

/** A connection that does what the test says, for engine tests in virtual time. */
export class ScriptedConnection implements Link, UpstreamStream {
  readonly capacity = 1
  readonly target: Target
  closed = false
  /** An attempt is under way on it. */
  busy = false
  served = 0
  retired: LifeLimit | undefined = undefined
  request: TransportRequest | undefined = undefined
  sent = ''
  ended = false
  /** Of the request. */
  trailers: FlatHeaders = []
  paused = false
  aborted = false
  /** What `write` answers. */
  room = true
  events!: TransportEvents
  private readonly owner: LinkOwner
  private holder!: StreamHolder

  constructor(target: Target, owner: LinkOwner) {
    this.target = target
    this.owner = owner
  }

  get state(): LinkState {
    return this.closed ? 'closed' : 'open'
  }

  start(request: TransportRequest, events: TransportEvents, holder: StreamHolder): this {
    this.busy = true
    this.request = request
    this.events = events
    this.sent = ''
    this.ended = request.contentLength === 0
    this.trailers = []
    this.holder = holder
    return this
  }

  /** The connection is there; the body is asked for. */
  connect(): void {
    this.events.onConnected(this.served > 0)
    if (this.request?.contentLength !== 0) this.events.onWantBody()
  }

  answer(status: number, headers: FlatHeaders = [], body = ''): void {
    this.events.onHead(status, headers)
    if (body !== '' && !this.aborted) this.events.onData(Buffer.from(body))
    this.finish()
  }

  /** It changes the protocol; its place is given back when `duplex` has closed. */
  upgrade(headers: FlatHeaders, duplex: Duplex): void {
    duplex.on('close', () => {
      this.holder.onReleased()
      this.close()
    })
    this.events.onUpgraded(headers, duplex)
  }

  finish(): void {
    if (this.aborted) return
    this.busy = false
    this.events.onEnd(false)
    this.served++
    this.holder.onReleased()
  }

  fail(facts: Partial<TransportFailure>): void {
    this.closed = true
    this.busy = false
    const connected = facts.reason !== 'connect_refused'
    this.events.onFailure({
      reason: 'upstream_reset',
      phase: connected ? 'headers' : 'connect',
      connected,
      reused: false,
      bytesSent: connected,
      refusedUnprocessed: false,
      requestDone: connected,
      responseStarted: false,
      ...facts,
    })
    this.holder.onReleased()
    this.owner.onClosed()
  }

  write(chunk: Buffer): boolean {
    this.sent += chunk.toString('latin1')
    return this.room
  }

  end(trailers: FlatHeaders): void {
    this.ended = true
    this.trailers = trailers
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  abort(): void {
    this.aborted = true
    this.close()
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.busy = false
    this.owner.onClosed()
  }
}

/** Opens scripted connections and keeps them in order. */
export class ScriptedTransport implements Transport {
  readonly protocol = 'http/1.1'
  readonly connections: ScriptedConnection[] = []

  open(target: Target, _options: unknown, owner: LinkOwner): Link {
    const connection = new ScriptedConnection(target, owner)
    this.connections.push(connection)
    return connection
  }

  /** The one that serves an attempt. */
  get running(): ScriptedConnection {
    return this.connections.find(({ busy }) => busy) as ScriptedConnection
  }

  get latest(): ScriptedConnection {
    return this.connections[this.connections.length - 1] as ScriptedConnection
  }
}
