/**
 * The floor that Sluice's own cost is measured against: its listener, pool and transport with the least between them that
 * still forwards correctly: hop-by-hop fields out, bodies both ways with backpressure. No engine, no routes, no policies, no
 * timeouts, no IDs, no metrics, no log. `node test/bench/bare.ts PORT BACKEND_PORT`.
 */

import { CellSpace } from '../../src/cells/space.ts'
import type { Downstream, DownstreamEvents } from '../../src/core/downstream.ts'
import { createListener } from '../../src/data/ingress/listener.ts'
import { Pool, type PoolEvents, type Ticket } from '../../src/data/upstreams/pool.ts'
import { http1Transport } from '../../src/data/upstreams/transports/http1.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { EventClock } from '../../src/lib/event-clock.ts'
import type { FlatHeaders } from '../../src/lib/headers.ts'
import { ENDLESS } from '../../src/lib/lifetime.ts'
import { scavenger } from '../../src/lib/scavenge.ts'
import { TimerWheel } from '../../src/lib/timers.ts'

const MOST_SPELLINGS = 1000

/** Takes out fields by name, and those that Connection names. Remembers each spelling that it met. */
class Fields {
  private readonly dropped: ReadonlySet<string>
  private readonly known = new Map<string, boolean>()

  constructor(dropped: readonly string[]) {
    this.dropped = new Set(dropped)
  }

  kept(headers: FlatHeaders): string[] {
    const out: string[] = []
    let connection = ''
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string
      if (!this.drops(name)) out.push(name, headers[i + 1] as string)
      else if (name.length === 10 && name.toLowerCase() === 'connection' && headers[i + 1] !== 'keep-alive')
        connection += `,${headers[i + 1]}`
    }
    return connection === '' ? out : withoutNamed(out, connection)
  }

  private drops(name: string): boolean {
    let drop = this.known.get(name)
    if (drop === undefined) {
      drop = this.dropped.has(name.toLowerCase())
      if (this.known.size < MOST_SPELLINGS) this.known.set(name, drop)
    }
    return drop
  }
}

function withoutNamed(headers: readonly string[], connection: string): string[] {
  const named = connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
  return headers.filter((_, i) => !named.includes((headers[i & ~1] as string).toLowerCase()))
}

const [port, backend] = process.argv.slice(2).map(Number) as [number, number]
const clock = new EventClock(systemClock)
const timers = new TimerWheel(clock)
const space = new CellSpace(1, 0)
space.add([{ id: 0, kind: 'ints', buffer: new SharedArrayBuffer(65_536) }])
const pool = new Pool({
  transport: http1Transport(clock, timers, scavenger()),
  target: { address: '127.0.0.1', port: backend, tls: undefined },
  connection: { connectTimeoutMs: 2000, keepAliveMs: 4000 },
  limits: { max: 256, maxWaiting: 64, maxConcurrent: undefined },
  inFlight: space.held({ page: 0, slot: 0 }),
  connections: space.held({ page: 0, slot: 1 }),
  waiting: space.held({ page: 0, slot: 2 }),
  clock,
  timers,
  onIdleLimit: () => {},
  onRetired: () => {},
})
/** RFC 9110, section 7.6.1, and what the transport and the listener write themselves. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']
const fromRequests = new Fields([...HOP_BY_HOP, 'host', 'content-length', 'expect'])
const fromAnswers = new Fields(HOP_BY_HOP)

class Bare implements DownstreamEvents, PoolEvents {
  private readonly downstream: Downstream
  private ticket: Ticket | undefined = undefined

  constructor(downstream: Downstream) {
    this.downstream = downstream
  }

  start(): void {
    const { method, target, authority, headers, contentLength } = this.downstream
    this.ticket = pool.start({ method, target, authority, headers: fromRequests.kept(headers), contentLength }, this)
  }

  onDequeued(): void {}
  onConnected(): void {}
  onWantBody(): void {
    queueMicrotask(() => this.downstream.startBody())
  }
  onBody(chunk: Buffer): void {
    if (!this.ticket?.write(chunk)) this.downstream.pauseBody()
  }
  onBodyEnd(): void {
    this.ticket?.end([])
  }
  onDrain(): void {
    this.downstream.resumeBody()
    this.ticket?.resume()
  }
  onGone(): void {
    this.ticket?.abort()
  }
  onSent(): void {}
  onInformational(): void {}
  onHead(status: number, headers: FlatHeaders): void {
    this.downstream.head(status, fromAnswers.kept(headers))
  }
  get borrows(): number {
    return this.downstream.borrows ?? 0
  }
  get keeps(): boolean {
    return this.downstream.keeps ?? true
  }
  onData(chunk: Buffer): void {
    if (!this.downstream.write(chunk)) this.ticket?.pause()
  }
  onTrailers(): void {}
  onEnd(): void {
    this.downstream.end()
  }
  onUpgraded(): void {}
  onFailure(): void {
    this.downstream.reset()
  }
}

const listener = createListener({
  config: {
    name: 'web',
    host: '127.0.0.1',
    port,
    timeouts: { headers: 10_000, body: 60_000, keepAlive: 75_000 },
    limits: { headerBytes: 61_440, headerCount: 100, targetBytes: 16_384, connections: 20_000 },
    mode: 0,
    connections: ENDLESS,
    halfClose: 'auto',
    http1: 'own',
  },
  clock,
  timers,
  handler: {
    handle(downstream) {
      const bare = new Bare(downstream)
      downstream.attach(bare)
      bare.start()
    },
    malformed: () => undefined,
  },
})
await listener.listen(false)
process.on('SIGTERM', () => process.exit(0))
