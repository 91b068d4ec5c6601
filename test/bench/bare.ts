/**
 * The floor that Sluice's own cost is measured against: its listener, pool and transport with nothing in between. No
 * engine, no policies, no IDs, no log. `node test/bench/bare.ts PORT BACKEND_PORT`.
 */
import { CellSpace } from '../../src/cells/space.ts'
import type { Downstream, DownstreamEvents } from '../../src/core/downstream.ts'
import type { TransportEvents } from '../../src/core/transport.ts'
import { createListener } from '../../src/data/ingress/listener.ts'
import { Pool, type Ticket } from '../../src/data/upstreams/pool.ts'
import { http1Transport } from '../../src/data/upstreams/transports/http1.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { FlatHeaders } from '../../src/lib/headers.ts'
import { TimerWheel } from '../../src/lib/timers.ts'

const [port, backend] = process.argv.slice(2).map(Number) as [number, number]
const timers = new TimerWheel(systemClock)
const space = new CellSpace(1, 0)
space.add([{ id: 0, kind: 'ints', buffer: new SharedArrayBuffer(65_536) }])
const pool = new Pool({
  transport: http1Transport(systemClock, timers),
  target: { address: '127.0.0.1', port: backend, tls: undefined },
  connection: { connectTimeoutMs: 2000, keepAliveMs: 4000 },
  limits: { max: 256, maxWaiting: 64 },
  inFlight: space.held({ page: 0, slot: 0 }),
  connections: space.held({ page: 0, slot: 1 }),
})
const DROP = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive', 'expect'])
const lower = new Map<string, boolean>()

/** End-to-end fields, by the cheapest filter that is still correct for the bench's requests. */
function kept(headers: FlatHeaders): string[] {
  const out: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    let drop = lower.get(name)
    if (drop === undefined) {
      drop = DROP.has(name.toLowerCase())
      lower.set(name, drop)
    }
    if (!drop) out.push(name, headers[i + 1] as string)
  }
  return out
}

class Bare implements DownstreamEvents, TransportEvents {
  private readonly downstream: Downstream
  private ticket: Ticket | undefined = undefined

  constructor(downstream: Downstream) {
    this.downstream = downstream
  }

  start(): void {
    const { method, target, authority, headers, contentLength } = this.downstream
    this.ticket = pool.start({ method, target, authority, headers: kept(headers), contentLength }, this)
  }

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
    const out = kept(headers)
    for (let i = 0; i < headers.length; i += 2) {
      if (headers[i]?.toLowerCase() === 'content-length') out.push('content-length', headers[i + 1] as string)
    }
    this.downstream.head(status, out)
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
  },
  clock: systemClock,
  timers,
  handler: {
    handle(downstream) {
      const bare = new Bare(downstream)
      downstream.attach(bare)
      bare.start()
    },
    malformed: () => Buffer.alloc(0),
  },
})
await listener.listen(false)
process.on('SIGTERM', () => process.exit(0))
