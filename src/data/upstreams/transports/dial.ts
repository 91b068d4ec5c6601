import { connect, isIP, type OnReadOpts, type Socket } from 'node:net'
import {
  checkServerIdentity,
  createSecureContext,
  type SecureContext,
  TLSSocket,
  type ConnectionOptions as TlsOptions,
  connect as tlsConnect,
} from 'node:tls'
import type { Phase, Reason } from '../../../core/failures.ts'
import type { LinkOptions, Protocol, Target, TlsTarget } from '../../../core/transport.ts'
import { unixPath } from '../../../lib/address.ts'
import { Timer, type TimerWheel } from '../../../lib/timers.ts'

/** Why no connection was made. */
export interface DialFailure {
  readonly reason: Reason
  readonly phase: Phase
  readonly proxyStatus?: string
  readonly cause?: unknown
}

export interface DialOwner {
  /** The owner attaches its listeners at once: the dial's own are removed afterwards. */
  onOpen(socket: Socket): void
  onDialFailed(failure: DialFailure): void
}

/** TLS contexts by target: parsing a CA for each connection costs more than the handshake's own work. */
export class SecureContexts {
  private readonly contexts = new WeakMap<TlsTarget, SecureContext>()

  /** Throws if a PEM cannot be read. */
  of(tls: TlsTarget): SecureContext {
    const known = this.contexts.get(tls)
    if (known !== undefined) return known
    const context = createSecureContext({ ca: tls.ca, cert: tls.cert, key: tls.key })
    this.contexts.set(tls, context)
    return context
  }
}

const TCP_KEEP_ALIVE_MS = 60_000

/** Opens one connection: TCP, then TLS where the target asks for it, under one deadline. */
export class Dial {
  private readonly owner: DialOwner
  private readonly timers: TimerWheel
  private readonly protocols: readonly Protocol[]
  private readonly timer: Timer
  private socket: Socket | undefined = undefined
  private phase: Phase = 'connect'
  private over = false

  /** `protocols`: offered over TLS (ALPN), the one that is liked best first; the transport says so, not TLS. */
  constructor(owner: DialOwner, timers: TimerWheel, protocols: readonly Protocol[]) {
    this.owner = owner
    this.protocols = protocols
    this.timers = timers
    this.timer = new Timer(() => this.fail({ reason: 'connect_timeout', phase: this.phase }))
  }

  /** Never calls the owner before it has returned. With `onread`, what arrives goes there and not through the stream. */
  start(target: Target, options: LinkOptions, contexts: SecureContexts, onread?: OnReadOpts): void {
    let socket: Socket
    try {
      socket =
        target.tls === undefined
          ? socketTo(target, onread)
          : secure(target, target.tls, contexts, this.protocols, onread)
    } catch (cause) {
      queueMicrotask(() => this.fail(tlsFailure(cause, 'tls_protocol_error')))
      return
    }
    this.socket = socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS)
    socket.on('error', this.onError)
    socket.on('close', this.onClose)
    socket.on('connect', this.onConnect)
    if (target.tls !== undefined) socket.on('secureConnect', this.onReady)
    this.timers.schedule(this.timer, options.connectTimeoutMs)
  }

  /** Gives up; no event follows. */
  cancel(): void {
    this.finish()
    this.socket?.destroy()
  }

  private readonly onConnect = (): void => {
    if (this.socket instanceof TLSSocket) this.phase = 'tls'
    else this.onReady()
  }

  private readonly onReady = (): void => {
    const socket = this.socket as Socket
    this.finish()
    socket.off('error', this.onError).off('close', this.onClose)
    socket.off('connect', this.onConnect).off('secureConnect', this.onReady)
    this.owner.onOpen(socket)
  }

  private readonly onError = (cause: Error): void => {
    if (this.phase === 'connect') {
      this.fail({ reason: connectReason((cause as NodeJS.ErrnoException).code), phase: 'connect', cause })
      return
    }
    // Node stores the verdict on the certificate here before it destroys the socket.
    const refused = (this.socket as TLSSocket).authorizationError != null
    this.fail(tlsFailure(cause, refused ? 'tls_certificate_error' : 'tls_protocol_error'))
  }

  private readonly onClose = (): void => {
    this.onError(new Error('closed while connecting'))
  }

  private fail(failure: DialFailure): void {
    if (this.over) return
    this.finish()
    this.socket?.destroy()
    this.owner.onDialFailed(failure)
  }

  private finish(): void {
    this.over = true
    this.timers.cancel(this.timer)
  }
}

/** A socket on its way to a target, without TLS. */
export function socketTo(target: Target, onread?: OnReadOpts): Socket {
  const path = unixPath(target.address)
  const options = path === undefined ? { host: target.address, port: target.port } : { path }
  return connect(onread === undefined ? options : { ...options, onread })
}

function secure(
  target: Target,
  tls: TlsTarget,
  contexts: SecureContexts,
  protocols: readonly Protocol[],
  onread: OnReadOpts | undefined,
): Socket {
  return tlsConnect({
    ...(onread !== undefined && { onread }),
    host: target.address,
    port: target.port,
    ...tlsOptions(tls, contexts),
    ALPNProtocols: protocols,
  })
}

/** The options of a TLS connection to a target, for every caller. Throws if a PEM cannot be read. */
export function tlsOptions(tls: TlsTarget, contexts: SecureContexts): TlsOptions {
  return {
    secureContext: contexts.of(tls),
    // RFC 6066 forbids addresses as SNI; the certificate is still checked against the address.
    servername: isIP(tls.serverName) === 0 ? tls.serverName : '',
    checkServerIdentity: (_host, certificate) => checkServerIdentity(tls.serverName, certificate),
    rejectUnauthorized: tls.verify,
  }
}

function connectReason(code: string | undefined): Reason {
  // Of a socket with a path, the second: no server has made it yet.
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return 'connect_refused'
  return code === 'ETIMEDOUT' ? 'connect_timeout' : 'connect_failed'
}

function tlsFailure(cause: unknown, proxyStatus: string): DialFailure {
  return { reason: 'tls_error', phase: 'tls', proxyStatus, cause }
}
