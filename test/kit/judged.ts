import type { Peer } from '../../src/core/downstream.ts'
import { MemoryDownstream } from '../../src/data/ingress/memory.ts'
import { circuitBreaker } from '../../src/features/circuit-breaker/feature.ts'
import type { OutlierOptions } from '../../src/features/outlier-detection/keys.ts'
import { ManualClock } from './clock.ts'
import { EngineKit, type EngineSetUp } from './engine.ts'
import { PEER } from './exchange.ts'
import { CompiledUse } from './feature.ts'

/** As by default: five failures in a row. */
export const OUTLIERS: OutlierOptions = {
  consecutiveFailures: 5,
  consecutive5xx: undefined,
  failurePercentage: undefined,
  successRate: undefined,
  interval: 10_000,
  baseEjection: 30_000,
  maxEjection: 300_000,
  maxEjected: 0.5,
  endOnHealthy: true,
  mode: 'enforce',
}

/** What a client asks for. */
export interface Asks {
  readonly method?: string
  readonly target?: string
  readonly headers?: readonly string[]
  /** Bytes, -1: chunked. */
  readonly contentLength?: number
  readonly peer?: Peer
}

/**
 * A route with the default circuit breaker over an upstream of two endpoints with the default outlier detection: a scripted
 * upstream, scripted clients, virtual time.
 */
export class Judged {
  /** States that the breaker came to, in order. */
  readonly breaker: string[] = []
  /** Endpoints that were ejected, in order. */
  readonly ejected: string[] = []
  readonly kit: EngineKit

  /** `policies` stand behind the breaker. One attempt for each request, unless `setUp` says otherwise. */
  constructor(setUp: EngineSetUp = {}, options: object = {}) {
    const clock = setUp.clock ?? new ManualClock()
    const upstreams = setUp.upstreams ?? { a: 2 }
    const breaker = new CompiledUse(circuitBreaker, options, {
      clock,
      upstreams: Object.keys(upstreams),
      report: (notice) => {
        if (notice.kind === 'state') this.breaker.push(notice.state)
      },
    }).policy
    this.kit = new EngineKit({
      retries: { maxExtra: 0 },
      connections: { max: 64, maxWaiting: 64 },
      report: (notice) => {
        if (notice.kind === 'state' && notice.state === 'ejected') this.ejected.push(String(notice.labels[1]))
      },
      ...setUp,
      atUpstreams: { outlierDetection: OUTLIERS, ...setUp.atUpstreams },
      upstreams,
      clock,
      policies: [breaker, ...(setUp.policies ?? [])],
    })
  }

  /** A client begins a request. */
  ask(asks: Asks = {}): MemoryDownstream {
    const client = this.client(asks)
    this.kit.engine.handle(client)
    return client
  }

  /** A client whose request nobody has taken yet. */
  client({ method = 'GET', target = '/', headers = [], contentLength = 0, peer = PEER }: Asks = {}): MemoryDownstream {
    return new MemoryDownstream({ method, target, host: 'a.test', headers, peer, contentLength })
  }

  /** Requests that the upstream answers at once with `status`; how many reached it. */
  answered(status: number, count = 1): number {
    let reached = 0
    for (let i = 0; i < count; i++) {
      const client = this.ask()
      if (client.status !== 0) continue
      reached++
      this.kit.running.connect()
      this.kit.running.answer(status)
    }
    return reached
  }

  /** Opens the breaker and waits until it lets an attempt pass again; no endpoint stays ejected. */
  halfOpen(): void {
    this.answered(503, 20)
    this.kit.clock.advance(40_000)
    this.breaker.length = 0
    this.ejected.length = 0
  }
}
