import type { ListenerConfig } from '../../core/config.ts'
import type { Pressure } from '../../core/pressure.ts'
import { unixPath } from '../../lib/address.ts'
import type { EventClock } from '../../lib/event-clock.ts'
import type { LifeLimit } from '../../lib/lifetime.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import { type Accepted, Acceptor, type ConnectionCount } from './accept/acceptor.ts'
import { HeadGuard } from './common/guard.ts'
import type { ConnectionHost, Http1Server, IngressHandler } from './common/host.ts'
import { http2Preface } from './foreign/http2-preface.ts'
import { tlsHello } from './foreign/tls-hello.ts'
import { OwnHttp1 } from './http1/server.ts'
import { NodeHttp1 } from './node/server.ts'

export interface ListenerOptions {
  readonly config: ListenerConfig
  readonly clock: EventClock
  readonly timers: TimerWheel
  readonly handler: IngressHandler
  /** Default: this listener's own connections only. */
  readonly count?: ConnectionCount
  /** Counts the rules that clients break, see `RULES`. */
  readonly fault?: (rule: string) => void
  /** Counts the connections that reached a limit of their life. */
  readonly retired?: (limit: LifeLimit) => void
  /** Default: no pressure. */
  readonly pressure?: Pressure
}

/** Opens nothing yet, see `listen`. */
export function createListener(options: ListenerOptions): Listener {
  return new Listener(options)
}

/** A listening socket, and what is spoken over its connections. */
export class Listener implements ConnectionHost {
  readonly handler: IngressHandler
  readonly guard: HeadGuard
  readonly clock: EventClock
  readonly timers: TimerWheel
  readonly name: string
  readonly unix: boolean
  readonly bodyTimeout: number
  readonly fault: (rule: string) => void
  readonly retired: (limit: LifeLimit) => void
  readonly lingering: Set<Accepted>
  inFlight = 0
  private readonly config: ListenerConfig
  private readonly acceptor: Acceptor
  private readonly server: Http1Server

  constructor({ config, clock, timers, handler, count, pressure, fault = ignore, retired = ignore }: ListenerOptions) {
    this.fault = fault
    this.retired = retired
    this.handler = handler
    this.guard = new HeadGuard(config.limits)
    this.clock = clock
    this.timers = timers
    this.name = config.name
    this.unix = unixPath(config.host) !== undefined
    this.bodyTimeout = config.timeouts.body
    this.config = config
    this.server = config.http1 === 'own' ? new OwnHttp1(this, config) : new NodeHttp1(this, config)
    this.acceptor = new Acceptor({
      limit: config.limits.connections,
      life: config.connections,
      clock,
      count,
      pressure,
      timers,
      patience: config.timeouts.headers,
      silent: () => fault('silent'),
      // What a connection may be: another outcome is a line here, before the one that takes the rest.
      outcomes: [tlsHello(this), http2Preface(this), this.server],
    })
    this.lingering = this.acceptor.lingering
  }

  /** Every answer closes its connection. */
  get draining(): boolean {
    return this.acceptor.draining
  }

  /** Open connections of this worker. */
  get connections(): number {
    return this.acceptor.connections
  }

  /** Binds; resolves with the port. Rejects with the system's error code where that fails. */
  listen(reusePort: boolean): Promise<number> {
    return this.acceptor.listen(this.config.host, this.config.port, reusePort)
  }

  /** See `Acceptor`. */
  drain(): void {
    this.acceptor.drain()
  }

  /** See `Acceptor`. */
  close(): Promise<void> {
    return this.acceptor.close()
  }

  /** Ends everything at once. */
  cut(): void {
    this.acceptor.cut()
    this.server.close()
  }
}

function ignore(): void {}
