import type { AdaptiveLimit } from '../../../../src/features/bulkhead/adaptive-limit.ts'
import { seededRandom } from '../../../../src/lib/random.ts'

/**
 * A server in virtual time behind a limit: it serves `capacity` requests at a time, `serviceMs` each on average, the others
 * queue in it. Requests arrive at random (Poisson); those above the limit are refused.
 */
export class LoadedServer {
  capacity: number
  refused = 0
  /** Of the latest run: answers per second over its last half, and the 99th percentile of what they took. */
  throughput = 0
  tail = 0
  private readonly gate: AdaptiveLimit
  private readonly serviceMs: number
  private readonly random
  private now = 0
  /** Ends of those that are served, and arrivals of those that queue. */
  private busy: { readonly end: number; readonly arrived: number }[] = []
  private queued: number[] = []

  constructor(gate: AdaptiveLimit, seed: number, { capacity, serviceMs }: { capacity: number; serviceMs: number }) {
    this.gate = gate
    this.random = seededRandom(seed)
    this.capacity = capacity
    this.serviceMs = serviceMs
  }

  get limit(): number {
    return this.gate.current
  }

  /** `rate`: arrivals a second. */
  run(ms: number, rate: number): void {
    const until = this.now + ms
    const half = this.now + ms / 2
    const took: number[] = []
    this.refused = 0
    for (;;) {
      this.now += -Math.log(1 - this.random.float()) * (1000 / rate)
      if (this.now >= until) break
      this.finish(half, took)
      if (this.busy.length + this.queued.length >= this.gate.current) this.refused++
      else {
        this.queued.push(this.now)
        this.serve(this.now)
      }
    }
    this.now = until
    took.sort((a, b) => a - b)
    this.throughput = took.length / (ms / 2000)
    this.tail = took[Math.floor(took.length * 0.99)] ?? 0
  }

  private finish(half: number, took: number[]): void {
    for (;;) {
      const next = this.busy.reduce((first, call) => (call.end < first.end ? call : first), NEVER)
      if (next.end > this.now) return
      const inFlight = this.busy.length + this.queued.length
      this.busy.splice(this.busy.indexOf(next), 1)
      this.gate.sample(next.end - next.arrived, inFlight, next.end)
      if (next.end > half) took.push(next.end - next.arrived)
      this.serve(next.end)
    }
  }

  private serve(now: number): void {
    while (this.busy.length < this.capacity && this.queued.length > 0) {
      const arrived = this.queued.shift() as number
      const service = this.serviceMs * (0.5 + this.random.float())
      this.busy.push({ end: now + service, arrived })
    }
  }
}

const NEVER = { end: Number.POSITIVE_INFINITY, arrived: 0 }
