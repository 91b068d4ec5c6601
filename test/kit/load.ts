import { Agent, request } from 'node:http'
import { until } from './until.ts'

export interface LoadOptions {
  readonly port: number
  readonly path: string
  readonly method?: string
  /** Requests at a time, each on a kept connection. */
  readonly parallel?: number
  /** It ends by itself after so many requests, or milliseconds. */
  readonly most?: number
  readonly deadlineMs?: number
}

/** What became of one request. `where`: before the head of its answer, or behind it. */
export interface Broken {
  readonly code: string
  readonly where: 'head' | 'body'
}

/** A steady load of requests, one after another on each of some kept connections. */
export class Load {
  readonly statuses = new Map<number, number>()
  readonly broken: Broken[] = []
  sent = 0
  private readonly options: LoadOptions
  private readonly agent: Agent
  private readonly endsAt: number
  private stopped = false
  private readonly running: Promise<void>[]

  constructor(options: LoadOptions) {
    const parallel = options.parallel ?? 16
    this.options = options
    this.agent = new Agent({ keepAlive: true, maxSockets: parallel })
    this.endsAt = Date.now() + (options.deadlineMs ?? 120_000)
    this.running = Array.from({ length: parallel }, () => this.loop())
  }

  get answered(): number {
    let all = 0
    for (const count of this.statuses.values()) all += count
    return all
  }

  /** Waits until `count` more requests were answered. */
  async more(count: number): Promise<void> {
    const goal = this.answered + count
    await until(
      () => this.answered >= goal,
      () => `${count} more answers; ${this.summary}`,
    )
  }

  /** Waits until `done` holds and the requests under way have ended. */
  async stop(): Promise<void> {
    this.stopped = true
    await Promise.all(this.running)
    this.agent.destroy()
  }

  get summary(): string {
    return JSON.stringify({ statuses: Object.fromEntries(this.statuses), broken: this.broken.slice(0, 20) })
  }

  private async loop(): Promise<void> {
    while (!this.stopped && this.sent < (this.options.most ?? Number.POSITIVE_INFINITY) && Date.now() < this.endsAt) {
      this.sent++
      const outcome = await this.once()
      if (typeof outcome === 'number') this.statuses.set(outcome, (this.statuses.get(outcome) ?? 0) + 1)
      else {
        this.broken.push(outcome)
        // A port that refuses is not hammered.
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  }

  private once(): Promise<number | Broken> {
    const { port, path, method = 'GET' } = this.options
    return new Promise((resolve) => {
      const sent = request({ host: '127.0.0.1', port, path, method, agent: this.agent }, (answer) => {
        const broke = (): void => resolve({ code: 'aborted', where: 'body' })
        answer.on('error', broke)
        answer.on('end', () => (answer.complete ? resolve(answer.statusCode as number) : broke()))
        answer.resume()
      })
      sent.on('error', (error: NodeJS.ErrnoException) => resolve({ code: error.code ?? error.message, where: 'head' }))
      sent.end()
    })
  }
}
