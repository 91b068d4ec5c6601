import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Clock, ClockHandle } from '../../lib/clock.ts'
import { http } from '../../lib/node-http.ts'
import type { DrillFault, UpstreamPlan } from './scenario.ts'

/** Load of the endpoints of an upstream, all together. */
export class Concurrency {
  now = 0
  peak = 0
  /** Milliseconds that were worked on them so far. */
  busyMs = 0

  enter(): void {
    this.now++
    if (this.now > this.peak) this.peak = this.now
  }

  leave(): void {
    this.now--
  }
}

/** An endpoint of a drill; in this process or in another one. */
export interface FaultyEndpoint {
  readonly port: number
  /** Resolves once the fault is there. */
  set(fault: DrillFault): Promise<void>
  /** Requests so far, without health checks. */
  received(): Promise<number>
  stop(): Promise<void>
}

/** How an endpoint does its work. */
export type ServicePlan = Pick<UpstreamPlan, 'largeBytes' | 'serviceMs' | 'threads'>

/** Of every answer that is not broken. */
export const BODY = 'as it should be\n'
const WHOLE = Buffer.from(BODY)

/** Checks get what requests get, and do not count as requests. */
const HEALTH_CHECK = 'sluice-health-check'
const REBINDS = 100
const REBIND_MS = 20

/** An HTTP server on loopback whose fault can be switched while it serves. */
export class DrillEndpoint implements FaultyEndpoint {
  private readonly clock: Clock
  private readonly serviceMs: number
  private readonly threads: number
  private readonly large: Buffer
  private readonly concurrency: Concurrency
  private readonly sockets = new Set<Socket>()
  private readonly host: string
  private bound: number
  private served = 0
  private working = 0
  private readonly waiting: (() => void)[] = []
  private server: Server | undefined = undefined
  private fault: DrillFault = 'none'

  constructor(clock: Clock, plan: ServicePlan, concurrency: Concurrency, port = 0, host = '127.0.0.1') {
    this.clock = clock
    this.serviceMs = plan.serviceMs
    this.threads = plan.threads ?? Number.POSITIVE_INFINITY
    this.large = plan.largeBytes === undefined ? WHOLE : Buffer.alloc(plan.largeBytes)
    this.concurrency = concurrency
    this.bound = port
    this.host = host
  }

  get port(): number {
    return this.bound
  }

  async start(): Promise<this> {
    await this.listen()
    return this
  }

  async set(fault: DrillFault): Promise<void> {
    const wasDown = isDown(this.fault)
    this.fault = fault
    if (isDown(fault)) await this.stop()
    else if (wasDown) await this.listen()
  }

  async received(): Promise<number> {
    return this.served
  }

  async stop(): Promise<void> {
    const server = this.server
    this.server = undefined
    for (const socket of this.sockets) socket.destroy()
    if (server === undefined) return
    server.close()
    await once(server, 'close')
  }

  /** The port may be another connection's for a moment when it is bound again. */
  private async listen(): Promise<void> {
    for (let bound = 1; ; bound++) {
      const server = http.createServer((request, response) => this.serve(request, response))
      server.keepAliveTimeout = 60_000
      server.on('connection', (socket: Socket) => {
        this.sockets.add(socket)
        socket.on('close', () => this.sockets.delete(socket))
        socket.on('error', () => {})
      })
      server.listen(this.bound, this.host)
      try {
        await once(server, 'listening')
        this.server = server
        this.bound = (server.address() as AddressInfo).port
        return
      } catch (error) {
        if (bound === REBINDS) throw error
        await new Promise<void>((resolve) => void this.clock.after(REBIND_MS, resolve))
      }
    }
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const checks = request.headers['user-agent'] === HEALTH_CHECK
    if (!checks) {
      this.served++
      this.concurrency.enter()
    }
    let stop = (): void => {}
    request.on('error', () => {})
    response.on('error', () => {})
    response.on('close', () => {
      if (!checks) this.concurrency.leave()
      stop()
    })
    request.resume()
    const { fault } = this
    if (fault === 'hangs') return
    const delayMs = this.serviceMs + (typeof fault === 'object' ? fault.slowMs : 0)
    const body = request.url === '/large' ? this.large : WHOLE
    request.on('end', () => {
      stop = this.work(delayMs, () => answer(response, fault, body))
    })
  }

  /** Works for `ms` once a thread is free. Returns a function that ends it early. */
  private work(ms: number, done: () => void): () => void {
    let handle: ClockHandle
    let startedAt = 0
    const end = (): void => {
      this.concurrency.busyMs += this.clock.now() - startedAt
      startedAt = 0
      this.working--
      this.waiting.shift()?.()
    }
    const start = (): void => {
      startedAt = this.clock.now()
      this.working++
      handle = this.clock.after(ms, () => {
        end()
        done()
      })
    }
    if (this.working < this.threads) start()
    else this.waiting.push(start)
    return () => {
      this.clock.cancel(handle)
      const place = this.waiting.indexOf(start)
      if (place >= 0) this.waiting.splice(place, 1)
      else if (startedAt !== 0) end()
    }
  }
}

function isDown(fault: DrillFault): boolean {
  return fault === 'down' || fault === 'killed'
}

function answer(response: ServerResponse, fault: DrillFault, body: Buffer): void {
  response.writeHead(fault === 'fails' ? 503 : 200, { 'content-type': 'text/plain', 'content-length': body.length })
  if (fault === 'breaks') response.write(body.subarray(0, body.length >> 1), () => response.destroy())
  else response.end(body)
}
