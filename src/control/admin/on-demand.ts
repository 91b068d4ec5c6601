import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { problemAnswer } from './problem.ts'
import { send } from './server.ts'

export interface OnDemandOptions {
  readonly load: () => Promise<FastifyInstance>
  /** It could not be loaded. */
  readonly failed: (error: unknown) => void
}

/**
 * Answers by an application that is loaded when the first request comes; requests wait for that. If it fails, those that
 * wait have failed, and the next one attempts it anew.
 */
export class OnDemand {
  private readonly options: OnDemandOptions
  private loading: Promise<FastifyInstance> | undefined = undefined
  private ready: FastifyInstance | undefined = undefined

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
    this.loading ??= this.load()
    const app = await this.loading.catch(() => undefined)
    if (response.destroyed) return
    if (app === undefined) send(response, problemAnswer('refused', 503, 'the API cannot be loaded: see the log'))
    else app.routing(request, response)
  }

  private async load(): Promise<FastifyInstance> {
    const { failed, load } = this.options
    try {
      this.ready = await load()
      return this.ready
    } catch (error) {
      this.loading = undefined
      failed(error)
      throw error
    }
  }
}
