import type { Duplex } from 'node:stream'
import { test } from 'vitest'
import type {
  Link,
  LinkOptions,
  LinkOwner,
  StreamHolder,
  TlsTarget,
  Transport,
  TransportFailure,
  TransportRequest,
  UpstreamStream,
} from '../../../src/core/transport.ts'
import type { PoolEvents } from '../../../src/data/upstreams/pool.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { FlatHeaders } from '../../../src/lib/headers.ts'
import { TimerWheel } from '../../../src/lib/timers.ts'
import { settle, until } from '../../kit/until.ts'

export type MakeTransport = (timers: TimerWheel) => Transport

type EventName = keyof PoolEvents

/** Keeps everything that a transport tells about one attempt. */
export class Recorder implements PoolEvents {
  /** Names of the events, in order; runs of onData are one. */
  readonly names: EventName[] = []
  readonly informational: (readonly [number, FlatHeaders])[] = []
  reused: boolean | undefined
  status = 0
  headers: FlatHeaders = []
  trailers: FlatHeaders = []
  failure: TransportFailure | undefined
  /** It was handed over. */
  duplex: Duplex | undefined
  readonly chunks: Buffer[] = []
  bytes = 0
  wanted = 0
  drains = 0
  finals = 0
  /** Called in the event, after it was recorded. */
  readonly on: Partial<Record<EventName, () => void>> = {}

  get body(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }

  get ended(): boolean {
    return this.names.includes('onEnd')
  }

  get over(): boolean {
    return this.finals > 0
  }

  onDequeued(): void {}

  onConnected(reused: boolean): void {
    this.reused = reused
    this.happened('onConnected')
  }

  onWantBody(): void {
    this.wanted++
    this.happened('onWantBody')
  }

  onDrain(): void {
    this.drains++
    this.happened('onDrain')
  }

  onInformational(status: number, headers: FlatHeaders): void {
    this.informational.push([status, headers])
    this.happened('onInformational')
  }

  onHead(status: number, headers: FlatHeaders): void {
    this.status = status
    this.headers = headers
    this.happened('onHead')
  }

  onData(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.bytes += chunk.length
    this.happened('onData')
  }

  onTrailers(headers: FlatHeaders): void {
    this.trailers = headers
    this.happened('onTrailers')
  }

  onEnd(): void {
    this.finals++
    this.happened('onEnd')
  }

  onUpgraded(headers: FlatHeaders, duplex: Duplex): void {
    this.finals++
    this.headers = headers
    this.duplex = duplex
    this.happened('onUpgraded')
  }

  onFailure(failure: TransportFailure): void {
    this.finals++
    this.failure = failure
    this.happened('onFailure')
  }

  async done(): Promise<this> {
    await until(
      () => this.over,
      () => `a final event after ${this.names.join(', ')}`,
    )
    // A second final event, or anything after the first, would come now.
    await settle()
    if (this.finals !== 1) throw new Error(`${this.finals} final events: ${this.names.join(', ')}`)
    const last = this.names.at(-1)
    if (last !== 'onEnd' && last !== 'onFailure' && last !== 'onUpgraded')
      throw new Error(`${last} after the final event`)
    return this
  }

  private happened(name: EventName): void {
    if (name !== 'onData' || this.names.at(-1) !== 'onData') this.names.push(name)
    this.on[name]?.()
  }
}

/** Owns a link and holds the places of its streams. */
export class Owner implements LinkOwner, StreamHolder {
  /** Places given back while the link was open. */
  idle = 0
  /** All places given back. */
  released = 0
  closed = 0
  leaving = 0
  whenIdle: (() => void) | undefined
  link: Link | undefined

  onReleased(): void {
    this.released++
    if (this.link?.state !== 'open') return
    this.idle++
    this.whenIdle?.()
  }

  onReturned(): void {
    throw new Error('the only stream of a link was returned')
  }

  onCapacity(): void {}

  onGoAway(): void {
    this.leaving++
    if (this.link?.state !== 'leaving') throw new Error('it does not leave')
  }

  onClosed(): void {
    this.closed++
    if (this.closed > 1) throw new Error('onClosed was called twice')
  }
}

/** A link under test with its owner, and its latest stream. */
export class Line {
  readonly owner = new Owner()
  readonly link: Link
  stream!: UpstreamStream

  constructor(transport: Transport, port: number, options: Partial<LinkOptions>, tls: TlsTarget | undefined) {
    const settings = { connectTimeoutMs: 5000, keepAliveMs: 10_000, ...options }
    this.link = transport.open({ address: '127.0.0.1', port, tls }, settings, this.owner)
    this.owner.link = this.link
  }

  /** Starts a request; its events are recorded. */
  start(request: Partial<TransportRequest> = {}, recorder = new Recorder()): Recorder {
    const before = recorder.names.length
    this.stream = this.link.start(get(request), recorder, this.owner)
    if (recorder.names.length !== before) throw new Error('an event came before start had returned')
    return recorder
  }

  /** A whole exchange of a request without body. */
  ask(request: Partial<TransportRequest> = {}): Promise<Recorder> {
    return this.start(request).done()
  }

  async becomesIdle(times = 1): Promise<void> {
    await until(() => this.owner.idle === times, `idle ${times} times`)
  }

  async becomesClosed(): Promise<void> {
    await until(() => this.owner.closed === 1, 'onClosed')
    if (this.link.state !== 'closed') throw new Error('not closed after onClosed')
  }
}

export function get(request: Partial<TransportRequest> = {}): TransportRequest {
  return { method: 'GET', target: '/', authority: 'shop.test', headers: [], contentLength: 0, ...request }
}

/** One transport and what its tests opened; `end` closes all of it. */
export class Bench {
  readonly transport: Transport
  private readonly timers = new TimerWheel(systemClock)
  private readonly lines: Line[] = []
  private readonly servers: { close(): Promise<void> }[] = []

  constructor(make: MakeTransport) {
    this.transport = make(this.timers)
  }

  line(port: number, options: Partial<LinkOptions> = {}, tls?: TlsTarget): Line {
    const line = new Line(this.transport, port, options, tls)
    this.lines.push(line)
    return line
  }

  /** Closes `server` with the bench. */
  async with<S extends { close(): Promise<void> }>(server: Promise<S>): Promise<S> {
    const started = await server
    this.servers.push(started)
    return started
  }

  async end(): Promise<void> {
    for (const { link, stream } of this.lines) {
      stream?.abort()
      link.close()
    }
    for (const server of this.servers) await server.close()
    this.timers.close()
  }
}

export type Check = (name: string, fn: (bench: Bench) => Promise<void>) => void

/** A `test` with a bench of its own. */
export function checks(make: MakeTransport): Check {
  return (name, fn) => {
    test(name, async () => {
      const bench = new Bench(make)
      try {
        await fn(bench)
      } finally {
        await bench.end()
      }
    })
  }
}
