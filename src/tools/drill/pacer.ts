import type { Clock } from '../../lib/clock.ts'
import { http } from '../../lib/node-http.ts'
import type { DrillOutcome } from './run.ts'
import type { LoadPlan } from './scenario.ts'

const TICK_MS = 2
/** At most this many are sent at once after the process stood still. */
const MOST_AT_ONCE = 50
const DETAILS = /details="([^"]*)"/

/**
 * A steady load of GET requests, open loop: each is sent when it is due, however long answers take, so that a gateway that
 * stalls does not delay the requests that would have seen it.
 */
export class Pacer {
  readonly outcomes: DrillOutcome[] = []
  private readonly clock: Clock
  private readonly port: number
  private readonly plan: LoadPlan
  private readonly headers: Readonly<Record<string, string>>
  private readonly agent = new http.Agent({ keepAlive: true, maxFreeSockets: 512, timeout: 60_000 })
  private readonly startedAt: number
  private sent = 0
  private stopped = false

  constructor(clock: Clock, port: number, plan: LoadPlan, headers: Readonly<Record<string, string>> = {}) {
    this.clock = clock
    this.port = port
    this.plan = plan
    this.headers = headers
    this.startedAt = clock.now()
    this.tick()
  }

  /** Requests without an answer yet. */
  get underWay(): number {
    return this.sent - this.outcomes.length
  }

  /** No more requests; those under way go on. */
  stop(): void {
    this.stopped = true
  }

  /** Closes all connections. Requests still in flight have failed. */
  close(): void {
    this.stop()
    this.agent.destroy()
  }

  private tick(): void {
    if (this.stopped) return
    const { rate } = this.plan
    const due = Math.floor(((this.clock.now() - this.startedAt) * rate) / 1000)
    for (let i = 0; this.sent < due && i < MOST_AT_ONCE; i++) {
      this.send(this.startedAt + (this.sent * 1000) / rate)
      this.sent++
    }
    this.clock.after(TICK_MS, () => this.tick())
  }

  private send(dueAt: number): void {
    let open = true
    let bytes = 0
    const ended = (status: number, reason: string): void => {
      if (!open) return
      open = false
      this.outcomes.push({ load: this.plan.name, dueAt, endedAt: this.clock.now(), status, reason, bytes })
    }
    const { agent, headers, port } = this
    const { from, path } = this.plan
    const at = { host: '127.0.0.1', port, ...(from !== undefined && { localAddress: from }) }
    const sent = http.request({ ...at, path, headers, agent }, (answer) => {
      const status = answer.statusCode ?? 0
      const reason = DETAILS.exec(String(answer.headers['proxy-status'] ?? ''))?.[1] ?? ''
      answer.on('error', () => ended(0, 'broken'))
      answer.on('end', () => (answer.complete ? ended(status, reason) : ended(0, 'broken')))
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
    })
    sent.on('error', (error: NodeJS.ErrnoException) => ended(0, error.code ?? error.message))
    sent.end()
  }
}
