/**
 * A load tool with a fixed rate: `node pacer.ts JSON`, see `Plan`; prints a `Paced` as JSON. Open loop: a request is sent,
 * or queued for the next free connection, when it is due, however long answers take, so that a gateway that stalls does
 * not put off the requests that would have seen it (coordinated omission).
 */
import { Agent, request } from 'node:http'
import { percentile } from './median.ts'

export interface Plan {
  readonly port: number
  readonly path: string
  readonly connections: number
  /** Requests a second. */
  readonly rate: number
  readonly seconds: number
  /** Bytes sent; undefined: GET. */
  readonly postBytes?: number | undefined
}

export interface Paced {
  /** Milliseconds from due to the last byte. */
  readonly p50: number
  readonly p99: number
  /** Milliseconds by which the tool was late, 99th percentile. */
  readonly late: number
  /** Answers counted in the percentiles. */
  readonly answered: number
  readonly errors: number
}

const TICK_MS = 1
const GRACE_MS = 10_000
/** Connections open and code gets warm in the first tenth: not counted. */
const WARM_UP = 0.1

class Pacer {
  private readonly plan: Plan
  private readonly agent: Agent
  private readonly body: Buffer | undefined
  private readonly waited: number[] = []
  private readonly late: number[] = []
  private errors = 0
  private sent = 0
  private open = 0

  constructor(plan: Plan) {
    this.plan = plan
    this.agent = new Agent({ keepAlive: true, maxSockets: plan.connections, scheduling: 'fifo' })
    this.body = plan.postBytes === undefined ? undefined : Buffer.alloc(plan.postBytes, 'x')
  }

  async run(): Promise<Paced> {
    const { rate, seconds } = this.plan
    const total = Math.max(1, Math.round(rate * seconds))
    const startedAt = performance.now()
    while (this.sent < total) {
      const now = performance.now()
      const due = Math.min(total, Math.floor(((now - startedAt) * rate) / 1000))
      while (this.sent < due) {
        const plannedAt = startedAt + (this.sent * 1000) / rate
        this.send(now, now - plannedAt, this.sent++ >= total * WARM_UP)
      }
      await sleep(TICK_MS)
    }
    const end = performance.now() + GRACE_MS
    while (this.open > 0 && performance.now() < end) await sleep(TICK_MS)
    return {
      p50: percentile(this.waited, 0.5),
      p99: percentile(this.waited, 0.99),
      late: percentile(this.late, 0.99),
      answered: this.waited.length,
      errors: this.errors + this.open,
    }
  }

  private send(now: number, late: number, counts: boolean): void {
    const { agent, body } = this
    const { port, path } = this.plan
    const headers =
      body === undefined ? {} : { 'content-type': 'application/octet-stream', 'content-length': body.length }
    let ended = false
    const end = (ok: boolean): void => {
      if (ended) return
      ended = true
      this.open--
      if (!ok) this.errors++
      else if (counts) this.waited.push(performance.now() - now)
    }
    this.open++
    if (counts) this.late.push(late)
    const sent = request({ host: '127.0.0.1', port, path, method: body === undefined ? 'GET' : 'POST', agent, headers })
    sent.on('response', (answer) => {
      const ok = (answer.statusCode ?? 500) < 400
      answer.on('end', () => end(ok)).on('close', () => end(false))
      answer.resume()
    })
    sent.on('error', () => end(false))
    sent.end(body)
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

const paced = await new Pacer(JSON.parse(process.argv[2] as string) as Plan).run()
// Stragglers hold connections open: nobody waits for them.
process.stdout.write(JSON.stringify(paced), () => process.exit(0))
