import type { Exchange } from '../../src/core/exchange.ts'
import type { Policy } from '../../src/core/policy.ts'
import type { Pressure } from '../../src/core/pressure.ts'
import type { Verdict } from '../../src/core/verdict.ts'
import { createListener, type Listener } from '../../src/data/ingress/listener.ts'
import type { BulkheadCells } from '../../src/features/bulkhead/cells.ts'
import { bulkhead } from '../../src/features/bulkhead/feature.ts'
import { ENDLESS } from '../../src/lib/lifetime.ts'
import { type HttpClient, httpClient } from './client.ts'
import { ManualClock } from './clock.ts'
import { EngineKit } from './engine.ts'
import { CompiledUse } from './feature.ts'
import { HTTP1, type Http1 } from './ingress.ts'
import { until } from './until.ts'

/** A queue that nobody leaves by himself: requests for `/queued` wait in it. `held`: places that are taken. */
class Queue implements Policy {
  readonly name = 'queue'
  held = 0

  admit({ path }: Exchange): Promise<Verdict> | undefined {
    this.held++
    return path === '/queued' ? new Promise(() => {}) : undefined
  }

  settle(): void {
    this.held--
  }
}

/**
 * Clients over real sockets, a real listener, the engine with a bulkhead, and upstreams that do what the test says, in
 * virtual time. Everything that an exchange can hold is counted.
 */
export class EndsRig {
  readonly kit: EngineKit
  readonly listener: Listener
  readonly faults: string[] = []
  readonly pressure: { stage: Pressure['stage'] } = { stage: 0 }
  port = 0
  private readonly queue = new Queue()
  private readonly bounded: CompiledUse<BulkheadCells>
  private readonly clients: HttpClient[] = []

  constructor(http1: Http1 = HTTP1) {
    const clock = new ManualClock()
    const bounded = new CompiledUse<BulkheadCells>(bulkhead, { maxConcurrent: 10 }, { clock })
    this.bounded = bounded
    this.kit = new EngineKit({
      clock,
      policies: [this.queue, bounded.policy],
      maxAttempts: 5,
      connections: { max: 2 },
      retries: { maxExtra: 0 },
      timeouts: { request: 10_000, idle: 20_000, minRate: { bytes: 30_720, window: 30_000 } },
    })
    this.listener = createListener({
      config: {
        name: 'web',
        host: '127.0.0.1',
        port: 0,
        // Node's own take real time; the others are not what is looked at.
        timeouts: { headers: 600_000, body: 5_000, keepAlive: 600_000 },
        limits: { headerBytes: 16_384, headerCount: 50, targetBytes: 4096, connections: 5 },
        mode: 0,
        connections: ENDLESS,
        halfClose: 'auto',
        http1,
      },
      clock: this.kit.eventClock,
      timers: this.kit.timers,
      handler: this.kit.engine,
      pressure: this.pressure,
      fault: (rule) => void this.faults.push(rule),
    })
  }

  async start(): Promise<this> {
    this.port = await this.listener.listen(true)
    return this
  }

  async client(): Promise<HttpClient> {
    const client = await httpClient(this.port)
    this.clients.push(client)
    return client
  }

  /** So many exchanges have begun, the ended ones included. */
  async begun(count: number): Promise<void> {
    await until(
      () => this.kit.engine.running + this.kit.finished.length >= count,
      () => `${count} exchanges, ${this.kit.finished.length} of which have ended`,
    )
  }

  /** One line of the access log for each. */
  get told(): string[] {
    return this.kit.finished.map((ex) => ex.failure?.reason ?? String(ex.response?.status))
  }

  /** All that exchanges and connections hold. */
  get held(): Readonly<Record<string, number>> {
    const { bugs, engine, heldByAttempts, inFlight } = this.kit
    return {
      running: engine.running,
      inFlight,
      listener: this.listener.inFlight,
      queued: this.queue.held,
      permits: this.bounded.testCells.space.held(this.bounded.cells.permits.inFlight).sum(),
      attempts: heldByAttempts,
      bugs: bugs.length,
    }
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.close()
    this.listener.cut()
    await until(() => this.listener.connections === 0)
    this.kit.timers.close()
  }
}
