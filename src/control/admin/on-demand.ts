import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../../lib/clock.ts'
import { type AdminGuard, guardedRequest } from './guard.ts'
import { problemAnswer, refusalAnswer } from './problem.ts'
import { send, targetPath } from './server.ts'

/** After a failure nothing is attempted for this time, milliseconds: requests come as often as clients like. */
const PAUSE_MS = 1_000
/** The same failure is told again after this time, milliseconds. */
const AGAIN_MS = 60_000

export interface OnDemandOptions {
  readonly load: () => Promise<FastifyInstance>
  /** Asked first: what comes from elsewhere loads nothing. */
  readonly guard: Pick<AdminGuard, 'check'>
  /** It could not be loaded: at most once per second, and not again for the same reason within a minute. */
  readonly failed: (error: unknown) => void
  readonly clock: Pick<Clock, 'now'>
}

/**
 * Answers by an application that is loaded when the first request comes; requests wait for that. If it fails, those that
 * wait and those of the next second have failed, and the first one after that attempts it anew.
 */
export class OnDemand {
  private readonly options: OnDemandOptions
  private loading: Promise<FastifyInstance> | undefined = undefined
  private ready: FastifyInstance | undefined = undefined
  private failedAt = Number.NEGATIVE_INFINITY
  private told: { readonly message: string; readonly at: number } | undefined = undefined

  constructor(options: OnDemandOptions) {
    this.options = options
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    if (this.ready === undefined) void this.wait(request, response)
    else this.ready.routing(request, response)
  }

  /** What is being loaded is closed then. */
  async close(): Promise<void> {
    const app = await this.loading?.catch(() => undefined)
    await app?.close()
  }

  private async wait(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const verdict = this.options.guard.check(sourceOf(request), undefined)
    if ('error' in verdict) {
      send(response, refusalAnswer(verdict))
      return
    }
    const paused = this.options.clock.now() - this.failedAt < PAUSE_MS
    if (!paused) this.loading ??= this.load()
    const app = await this.loading?.catch(() => undefined)
    if (response.destroyed) return
    if (app === undefined) send(response, problemAnswer('refused', 503, 'the API cannot be loaded: see the log'))
    else app.routing(request, response)
  }

  private async load(): Promise<FastifyInstance> {
    const { clock, load } = this.options
    try {
      this.ready = await load()
      return this.ready
    } catch (error) {
      this.loading = undefined
      this.failedAt = clock.now()
      this.tell(error)
      throw error
    }
  }

  private tell(error: unknown): void {
    const { clock, failed } = this.options
    const [message, at] = [String(error), clock.now()]
    if (message === this.told?.message && at - this.told.at < AGAIN_MS) return
    this.told = { message, at }
    failed(error)
  }
}

/** Where a request comes from. What it needs, the application knows; until then others may link to the dashboard. */
function sourceOf(request: IncomingMessage): Parameters<AdminGuard['check']>[0] {
  return { ...guardedRequest(request), linked: /^\/(dashboard(\/|$)|$)/.test(targetPath(request.url ?? '')) }
}
