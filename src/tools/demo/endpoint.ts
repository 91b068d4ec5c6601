import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock, ClockHandle } from '../../lib/clock.ts'
import { http } from '../../lib/node-http.ts'
import type { Random } from '../../lib/random.ts'
import { type DemoFault, SLOW_MS } from './faults.ts'
import type { DemoAnswer, DemoService } from './services.ts'

const HOST = '127.0.0.1'

export interface DemoDeps {
  readonly clock: Clock
  readonly random: Random
}

/** One endpoint of a demo upstream: an HTTP server on loopback whose fault can be switched while it serves. */
export class DemoEndpoint {
  readonly upstream: string
  private readonly service: DemoService
  private readonly deps: DemoDeps
  private readonly waiting = new Set<ClockHandle>()
  private bound: number
  private server: Server | undefined = undefined
  private current: DemoFault = 'none'

  constructor(upstream: string, port: number, service: DemoService, deps: DemoDeps) {
    this.upstream = upstream
    this.bound = port
    this.service = service
    this.deps = deps
  }

  /** As configured; the one that the system chose once it was started on 0. */
  get port(): number {
    return this.bound
  }

  get fault(): DemoFault {
    return this.current
  }

  /** Rejects, naming the port, when it cannot listen. */
  async start(): Promise<void> {
    const server = this.listen()
    try {
      await once(server, 'listening')
    } catch (error) {
      this.server = undefined
      const busy = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      const why = busy ? 'the port is in use; end what uses it' : (error as Error).message
      throw new Error(`demo: ${this.upstream} cannot listen on ${HOST}:${this.bound}: ${why}`)
    }
    this.bound = (server.address() as AddressInfo).port
  }

  /** From down to another fault the port is bound again; while that cannot be done the fault stays `down`. */
  set(fault: DemoFault): void {
    const wasDown = this.current === 'down'
    this.current = fault
    if (fault === 'down') this.close()
    else if (wasDown) this.reopen()
  }

  async stop(): Promise<void> {
    const server = this.server
    this.close()
    // One that was coming up again may fail instead.
    if (server !== undefined) await once(server, 'close').catch(() => {})
  }

  private listen(): Server {
    const server = http.createServer((request, response) => this.serve(request, response))
    this.server = server
    server.listen(this.bound, HOST)
    return server
  }

  private reopen(): void {
    const server = this.listen()
    server.once('error', () => {
      if (this.server !== server) return
      this.server = undefined
      this.current = 'down'
    })
  }

  private close(): void {
    const server = this.server
    this.server = undefined
    for (const handle of this.waiting) this.deps.clock.cancel(handle)
    this.waiting.clear()
    if (server === undefined) return
    // A server that is not listening yet ignores close(): it would come up afterwards.
    if (server.listening) server.close()
    else server.once('listening', () => server.close())
    server.closeAllConnections()
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    let bodyBytes = 0
    request.on('data', (chunk: Buffer) => {
      bodyBytes += chunk.length
    })
    request.on('end', () => {
      const target = request.url ?? '/'
      const question = target.indexOf('?')
      const path = question === -1 ? target : target.slice(0, question)
      const { method = 'GET', rawHeaders } = request
      const answer = this.service({ method, path, target, headers: rawHeaders, bodyBytes }, this.deps.random)
      this.later(response, answer)
    })
  }

  private later(response: ServerResponse, answer: DemoAnswer): void {
    const delayMs = answer.delayMs + (this.current === 'slow' ? SLOW_MS : 0)
    if (delayMs === 0) {
      this.answer(response, answer)
      return
    }
    const handle = this.deps.clock.after(delayMs, () => {
      this.waiting.delete(handle)
      this.answer(response, answer)
    })
    this.waiting.add(handle)
    response.on('close', () => {
      if (this.waiting.delete(handle)) this.deps.clock.cancel(handle)
    })
  }

  private answer(response: ServerResponse, { status, body }: DemoAnswer): void {
    const failing = this.current === 'failing'
    const text = `${JSON.stringify(failing ? { error: 'failing on purpose' } : body)}\n`
    const length = Buffer.byteLength(text)
    response.writeHead(failing ? 503 : status, {
      'content-type': 'application/json',
      'content-length': length,
      'x-served-by': `${this.upstream}:${this.bound}`,
    })
    if (this.current !== 'breaking') response.end(text)
    else response.write(text.slice(0, text.length >> 1), () => response.destroy())
  }
}
