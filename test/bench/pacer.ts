/**
 * A load tool with a fixed rate: `node pacer.ts JSON`, see `Plan`; prints a `Paced` as JSON. Open loop: a request is sent,
 * or queued for the next free connection, when it is due, however long answers take, so that a gateway that stalls does
 * not put off the requests that would have seen it (coordinated omission).
 */
import { median, percentile } from './median.ts'
import { Line } from './pacer-line.ts'

export interface Plan {
  readonly port: number
  readonly path: string
  readonly connections: number
  /** Requests per second. */
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
  private readonly lines: Line[]
  private readonly idle: Line[]
  /** When requests that found no free connection were due; from `first` on. */
  private readonly queue: number[] = []
  private first = 0
  private readonly waited: number[] = []
  private readonly late: number[] = []
  private errors = 0
  private sent = 0
  private ended = 0
  private countsFrom = 0

  constructor(plan: Plan) {
    this.plan = plan
    const request = bytesOf(plan)
    this.lines = Array.from(
      { length: plan.connections },
      () => new Line(plan.port, request, (line, dueAt, ok) => this.onEnd(line, dueAt, ok)),
    )
    this.idle = this.lines.slice()
  }

  async run(): Promise<Paced> {
    const { rate, seconds } = this.plan
    const total = Math.max(1, Math.round(rate * seconds))
    const startedAt = performance.now()
    this.countsFrom = startedAt + seconds * 1000 * WARM_UP
    while (this.sent < total) {
      const now = performance.now()
      const due = Math.min(total, Math.floor(((now - startedAt) * rate) / 1000))
      if (this.sent < due) this.late.push(now - startedAt - (this.sent * 1000) / rate)
      for (; this.sent < due; this.sent++) this.send(now)
      await sleep(TICK_MS)
    }
    const end = performance.now() + GRACE_MS
    while (this.ended < total && performance.now() < end) await sleep(TICK_MS)
    for (const line of this.lines) line.close()
    return {
      p50: median(this.waited),
      p99: percentile(this.waited, 0.99),
      late: percentile(this.late, 0.99),
      answered: this.waited.length,
      errors: this.errors + total - this.ended,
    }
  }

  private send(dueAt: number): void {
    const line = this.idle.pop()
    if (line === undefined) this.queue.push(dueAt)
    else line.send(dueAt)
  }

  private onEnd(line: Line, dueAt: number, ok: boolean): void {
    this.ended++
    if (!ok) this.errors++
    else if (dueAt >= this.countsFrom) this.waited.push(performance.now() - dueAt)
    if (this.first === this.queue.length) this.idle.push(line)
    else line.send(this.queue[this.first++] as number)
  }
}

function bytesOf({ port, path, postBytes }: Plan): Buffer {
  const head = `${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`
  if (postBytes === undefined) return Buffer.from(`GET ${head}\r\n`)
  const fields = `Content-Type: application/octet-stream\r\nContent-Length: ${postBytes}\r\n`
  return Buffer.from(`POST ${head}${fields}\r\n${'x'.repeat(postBytes)}`)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

const paced = await new Pacer(JSON.parse(process.argv[2] as string) as Plan).run()
process.stdout.write(JSON.stringify(paced))
