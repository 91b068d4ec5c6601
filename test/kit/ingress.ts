import type { Duplex } from 'node:stream'
import type { ListenerConfig } from '../../src/core/config.ts'
import type { Downstream, DownstreamEvents, Glimpse, Gone, Peer } from '../../src/core/downstream.ts'
import { FAILURES, type Failure } from '../../src/core/failures.ts'
import type { Pressure } from '../../src/core/pressure.ts'
import type { WholeReply } from '../../src/core/verdict.ts'
import type { Accepted, ConnectionCount } from '../../src/data/ingress/accept/acceptor.ts'
import type { Arrival } from '../../src/data/ingress/accept/peek.ts'
import type { IngressHandler } from '../../src/data/ingress/common/host.ts'
import { createListener, type Listener } from '../../src/data/ingress/listener.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { EventClock } from '../../src/lib/event-clock.ts'
import type { FlatHeaders } from '../../src/lib/headers.ts'
import { ENDLESS, type LifeLimit, type LifeLimits, Lifetime } from '../../src/lib/lifetime.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import { type HttpClient, httpClient } from './client.ts'
import { until } from './until.ts'

/** What a downstream told; the engine's place in tests. */
export class Events implements DownstreamEvents {
  readonly names: string[] = []
  readonly chunks: Buffer[] = []
  trailers: FlatHeaders | undefined = undefined
  gone: Gone | undefined = undefined
  sent = 0
  drains = 0
  onChunk: ((chunk: Buffer) => void) | undefined = undefined
  whenGone: ((why: Gone) => void) | undefined = undefined
  whenEnded: (() => void) | undefined = undefined

  get body(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }

  get ended(): boolean {
    return this.trailers !== undefined
  }

  onBody(chunk: Buffer): void {
    this.happened('body')
    this.chunks.push(chunk)
    this.onChunk?.(chunk)
  }

  onBodyEnd(trailers: FlatHeaders): void {
    this.happened('end')
    this.trailers = trailers
    this.whenEnded?.()
  }

  onDrain(): void {
    this.happened('drain')
    this.drains++
  }

  onGone(why: Gone): void {
    this.happened('gone')
    this.gone = why
    this.whenGone?.(why)
  }

  onSent(): void {
    this.happened('sent')
    this.sent++
  }

  private happened(name: string): void {
    if (this.sent > 0 || this.gone === 'closed') throw new Error(`${name} after ${this.names.join()}`)
    if (name !== 'body' || this.names.at(-1) !== 'body') this.names.push(name)
  }
}

/** A request that reached the handler. */
export interface Handled {
  readonly downstream: Downstream
  readonly events: Events
  readonly refusal: Failure | undefined
}

export type Respond = (handled: Handled) => void

/** What speaks HTTP/1.1. */
export type Http1 = ListenerConfig['http1']

/** Both servers: each is held to the same tests. */
export const HTTP1_SERVERS: readonly Http1[] = ['own', 'node']

/** By `SLUICE_HTTP1=node npm test` listeners in tests that do not say speak by the other server. */
export const HTTP1: Http1 = process.env.SLUICE_HTTP1 === 'node' ? 'node' : 'own'

/** Environment of configs in tests. */
export const HTTP1_ENV = { SLUICE_HTTP1: process.env.SLUICE_HTTP1 }

export interface GateOptions {
  readonly http1?: Http1
  readonly halfClose?: ListenerConfig['halfClose']
  readonly timeouts?: Partial<ListenerConfig['timeouts']>
  readonly limits?: Partial<ListenerConfig['limits']>
  readonly connections?: Partial<LifeLimits>
  readonly count?: ConnectionCount
  readonly pressure?: Pressure
  readonly at?: Partial<Pick<ListenerConfig, 'name' | 'host' | 'port'>>
  readonly reusePort?: boolean
  /** For the silence of bodies, discarding and lingering; node's own timeouts take real time. */
  readonly clock?: Clock
}

export function listenerConfig(options: GateOptions): ListenerConfig {
  return {
    name: 'web',
    host: '127.0.0.1',
    port: 0,
    mode: 0,
    ...options.at,
    timeouts: { headers: 5000, body: 5000, keepAlive: 30_000, ...options.timeouts },
    limits: { headerBytes: 16_384, headerCount: 50, targetBytes: 4096, connections: 1000, ...options.limits },
    connections: { ...ENDLESS, ...options.connections },
    halfClose: options.halfClose ?? 'auto',
    http1: options.http1 ?? HTTP1,
  }
}

/** A real listener on 127.0.0.1 whose handler keeps what it got; refusals are answered at once, by their reason. */
export class Gate implements IngressHandler {
  readonly handled: Handled[] = []
  readonly malformedInputs: Failure[] = []
  /** What was read of them. */
  readonly glimpses: Glimpse[] = []
  /** Rules that clients broke. */
  readonly faults: string[] = []
  /** Limits that connections reached. */
  readonly retired: LifeLimit[] = []
  listener!: Listener
  port = 0
  respond: Respond
  /** Refusals are answered a turn later, as where a policy has to be waited for. */
  hesitates = false
  protected timers!: TimerWheel
  protected readonly clients: HttpClient[] = []

  constructor(respond: Respond) {
    this.respond = respond
  }

  /** Requests that were not refused. */
  get accepted(): Handled[] {
    return this.handled.filter((handled) => handled.refusal === undefined)
  }

  handle(downstream: Downstream, refusal?: Failure): void {
    const handled = { downstream, events: new Events(), refusal }
    this.handled.push(handled)
    downstream.attach(handled.events)
    if (refusal === undefined) this.respond(handled)
    else if (this.hesitates) setImmediate(refuse, downstream, refusal)
    else refuse(downstream, refusal)
  }

  malformed(_peer: Peer, failure: Failure, seen: Glimpse): WholeReply {
    this.malformedInputs.push(failure)
    this.glimpses.push(seen)
    const body = Buffer.from(`${failure.reason}: ${failure.detail ?? ''}`)
    return { status: FAILURES[failure.reason].status, headers: ['content-length', String(body.length)], body }
  }

  async start(options: GateOptions = {}): Promise<this> {
    const config = listenerConfig(options)
    const clock = options.clock ?? systemClock
    this.timers = new TimerWheel(clock)
    const { count, pressure } = options
    this.listener = createListener({
      config,
      clock: new EventClock(clock),
      timers: this.timers,
      handler: this,
      fault: (rule) => void this.faults.push(rule),
      retired: (limit) => void this.retired.push(limit),
      ...(count && { count }),
      ...(pressure && { pressure }),
    })
    this.port = await this.listener.listen(options.reusePort ?? true)
    return this
  }

  async client(): Promise<HttpClient> {
    const client = await httpClient(this.port)
    this.clients.push(client)
    return client
  }

  /** Waits for request number `index` (from 0), refused ones included. */
  async request(index = 0): Promise<Handled> {
    await until(
      () => this.handled.length > index,
      () => `request ${index}`,
    )
    return this.handled[index] as Handled
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.close()
    this.listener.cut()
    await until(() => this.listener.connections === 0, 'all connections closed')
    this.timers.close()
  }
}

export function gate(respond: Respond = ok, options: GateOptions = {}): Promise<Gate> {
  return new Gate(respond).start(options)
}

/** What speaks over streams `S`. */
interface Speaks<S extends Duplex> {
  accept(stream: S, arrival: Arrival): Accepted
}

/** A server over any stream, without a listener. `due`: when its first bytes have come at the latest. */
export function acceptOver<S extends Duplex>(
  server: Speaks<S>,
  stream: S,
  due: number,
  limits: Partial<LifeLimits> = ENDLESS,
): Accepted {
  const connection = server.accept(stream, { due, life: new Lifetime(limits, 1, 0) })
  stream.on('close', () => connection.onClosed())
  return connection
}

/** Answers 200 `ok` at once; the body is discarded. */
export function ok({ downstream }: Handled): void {
  reply(downstream, 200, 'ok')
}

export function reply(downstream: Downstream, status: number, text: string, headers: FlatHeaders = []): void {
  if (downstream.contentLength !== 0) downstream.discardBody()
  const body = Buffer.from(text, 'latin1')
  downstream.head(status, ['content-length', String(body.length), ...headers])
  downstream.write(body)
  downstream.end()
}

/** Reads the whole body, then answers 200 `ok`; 400, and closes, where the body breaks. */
export function answerWhole({ downstream, events }: Handled): void {
  if (downstream.contentLength === 0) {
    reply(downstream, 200, 'ok')
    return
  }
  events.whenEnded = () => reply(downstream, 200, 'ok')
  events.whenGone = (why) => {
    if (why === 'closed') return
    downstream.closeAfter()
    reply(downstream, 400, why)
  }
  downstream.startBody()
}

/** Reads the whole body, then answers with it. */
export function echo({ downstream, events }: Handled): void {
  const answer = (): void => reply(downstream, 200, events.body)
  if (downstream.contentLength === 0) answer()
  else {
    events.whenEnded = answer
    downstream.startBody()
  }
}

function refuse(downstream: Downstream, failure: Failure): void {
  reply(downstream, FAILURES[failure.reason].status, `${failure.reason}: ${failure.detail ?? ''}`)
}
