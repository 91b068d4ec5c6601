import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { Client } from 'undici'
import type {
  Connection,
  ConnectionOptions,
  ConnectionOwner,
  Target,
  Transport,
  TransportEvents,
  TransportRequest,
} from '../../../core/transport.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import type { TimerWheel } from '../../../lib/timers.ts'
import { Dial, type DialFailure, SecureContexts } from './dial.ts'
import { KEEP_ALIVE_MARGIN_MS } from './keep-alive.ts'
import { type TryHost, UndiciTry } from './undici-try.ts'

/** Shared by the connections of one transport. */
interface TransportParts {
  readonly undici: typeof import('undici')
  readonly timers: TimerWheel
  readonly contexts: SecureContexts
  /** An event is being told: undici's parser, one for all connections, may be on the stack. */
  telling: boolean
}

/** Not by an import: loading it is a third of what the start of a worker costs, and few need it. */
const load = createRequire(import.meta.url)
// Host is always given, TLS is our own: undici needs an origin only for its checks.
const ORIGIN = 'http://upstream.invalid'
const HEAD_BYTES = 65_536

/** HTTP/1.1 by undici: one `Client` a socket, opened by us, one request at a time. */
export function undiciTransport(timers: TimerWheel): Transport {
  const undici = load('undici') as TransportParts['undici']
  const shared: TransportParts = { undici, timers, contexts: new SecureContexts(), telling: false }
  return {
    name: 'undici',
    open: (target, options, owner) => new UndiciConnection(shared, target, options, owner),
  }
}

class UndiciConnection implements Connection, TryHost {
  served = 0
  broken = false
  private readonly shared: TransportParts
  private readonly target: Target
  private readonly options: ConnectionOptions
  private readonly owner: ConnectionOwner
  private dial: Dial | undefined = undefined
  private socket: Socket | undefined = undefined
  private client: Client | undefined = undefined
  private current: UndiciTry | undefined = undefined
  private lost = false
  private told = false

  constructor(shared: TransportParts, target: Target, options: ConnectionOptions, owner: ConnectionOwner) {
    this.shared = shared
    this.target = target
    this.options = options
    this.owner = owner
  }

  get closed(): boolean {
    return this.lost || this.socket?.destroyed === true
  }

  start(request: TransportRequest, events: TransportEvents): void {
    this.current = new UndiciTry(this, request, events, this.served > 0)
    if (this.client === undefined) this.connect()
    else this.safely(this.dispatch)
  }

  write(chunk: Buffer): boolean {
    return this.current?.write(chunk) ?? true
  }

  end(_trailers: FlatHeaders): void {
    this.current?.end()
  }

  pause(): void {
    this.current?.pause()
  }

  resume(): void {
    const { current } = this
    if (current !== undefined) this.safely(() => current.resume())
  }

  abort(): void {
    const { current } = this
    if (current === undefined || current.done) return
    current.abort(new Error('aborted'))
    this.close()
  }

  close(): void {
    this.lost = true
    this.socket?.destroy()
    if (this.dial === undefined) return
    this.dial.cancel()
    this.dial = undefined
    queueMicrotask(() => this.tellClosed())
  }

  guard(fn: () => void): void {
    const outer = this.shared.telling
    this.shared.telling = true
    try {
      fn()
    } catch (error) {
      if (this.current !== undefined) this.current.abort(new Error('aborted'))
      this.close()
      queueMicrotask(() => {
        throw error
      })
    } finally {
      this.shared.telling = outer
    }
  }

  onLost(): void {
    this.lost = true
    this.socket?.destroy()
  }

  onComplete(): void {
    this.served++
    queueMicrotask(this.settle)
  }

  onOpen(socket: Socket): void {
    this.dial = undefined
    this.socket = socket
    // Before undici's own listeners: see `broken`.
    socket.on('error', () => {
      this.broken = true
    })
    // After all of undici's listeners, whatever their order: it fails the try in one of them.
    socket.on('close', () => queueMicrotask(() => this.onGone(socket)))
    this.client = this.clientOver(socket)
    this.dispatch()
  }

  onDialFailed(failure: DialFailure): void {
    this.dial = undefined
    this.lost = true
    this.current?.fail(failure.reason, failure.phase, failure.cause, failure.proxyStatus)
    this.tellClosed()
  }

  private connect(): void {
    this.dial = new Dial(this, this.shared.timers)
    this.dial.start(this.target, this.options, this.shared.contexts)
  }

  private clientOver(socket: Socket): Client {
    let taken = false
    return new this.shared.undici.Client(ORIGIN, {
      allowH2: false,
      pipelining: 1,
      maxHeaderSize: HEAD_BYTES,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: this.options.keepAliveMs,
      keepAliveMaxTimeout: this.options.keepAliveMs,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      connect: (_options, done) => {
        // undici asks again when the socket died under a request that had not begun: `onGone` sees to that.
        if (taken) return
        taken = true
        // Not now: undici doesn't go on with its queue from within this call.
        queueMicrotask(() => done(null, socket))
      },
    })
  }

  private readonly dispatch = (): void => {
    const { current, client } = this
    if (current === undefined || current.done || client === undefined) return
    const { request } = current
    const headers = ['host', request.authority]
    for (let i = 0; i < request.headers.length; i += 2) {
      const name = request.headers[i] as string
      // RFC 9110, section 10.1.4: TE has to be named by Connection, which undici writes as it likes.
      if (name.length !== 2 || name.toLowerCase() !== 'te') headers.push(name, request.headers[i + 1] as string)
    }
    if (request.contentLength > 0) headers.push('content-length', String(request.contentLength))
    // `reset: false`: undici would close the connection after each HEAD and each GET with a body.
    const options = {
      method: request.method as 'GET',
      path: request.target,
      headers,
      body: (current.upload ?? null) as null,
      reset: false,
    }
    client.dispatch(options, current)
  }

  /** undici's parser fails when it is entered from one of its own callbacks, of whatever connection. */
  private safely(fn: () => void): void {
    if (this.shared.telling) queueMicrotask(fn)
    else fn()
  }

  /** Once undici has decided about the socket, which it does after the answer's end. */
  private readonly settle = (): void => {
    this.current = undefined
    if (!this.closed) this.owner.onIdle(this)
  }

  private onGone(socket: Socket): void {
    if (this.socket !== socket) return
    const { client, current } = this
    this.socket = undefined
    this.client = undefined
    if (current !== undefined && !current.done && !current.begun) {
      // The idle connection died before a byte was sent: a new one takes its place and nobody need know.
      this.current = current.again()
      this.served = 0
      this.broken = false
      this.connect()
    } else {
      this.lost = true
      current?.fail('upstream_reset', 'headers')
      this.tellClosed()
    }
    client?.destroy(null, () => {})
  }

  private tellClosed(): void {
    if (this.told) return
    this.told = true
    this.owner.onClosed(this)
  }
}
