import { once } from 'node:events'
import { connect } from 'node:net'
import type { Downstream } from '../../src/core/downstream.ts'
import { HeadGuard } from '../../src/data/ingress/common/guard.ts'
import type { ConnectionHost, Http1Server, IngressHandler } from '../../src/data/ingress/common/host.ts'
import { OwnHttp1 } from '../../src/data/ingress/http1/server.ts'
import { NodeHttp1 } from '../../src/data/ingress/node/server.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { EventClock } from '../../src/lib/event-clock.ts'
import type { FlatHeaders } from '../../src/lib/headers.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import {
  acceptOver,
  answerWhole,
  Events,
  type Gate,
  gate,
  type Handled,
  type Http1,
  listenerConfig,
} from '../kit/ingress.ts'
import { MemorySocket } from './memory-socket.ts'
import type { RequestInput } from './request-inputs.ts'

/** A request that a server took for whole. */
export interface Taken {
  readonly method: string
  readonly contentLength: number
  readonly headers: FlatHeaders
  readonly trailers: FlatHeaders
  /** All of it. */
  readonly text: string
}

export type Wire = Pick<RequestInput, 'text' | 'cuts'>

/** One of the two servers, whose handler answers what is whole. */
export interface Taker {
  /**
   * What was taken of each input, each on a connection of its own. `patiently`: the first answer said what should not be, and
   * the machine may only have been slow.
   */
  take(inputs: readonly Wire[], patiently?: boolean): Promise<Taken[][]>
  stop(): Promise<void>
}

const OPTIONS = { timeouts: { headers: 2_000, body: 2_000 } }
/** So many turns of the event loop without anything done: nothing more will be. */
const QUIET_TURNS = 3
const MOST_TURNS = 200
/** So long without an answer: no more will come. */
const SETTLE_MS = 40

/** Over sockets in memory: a thousand times the requests, and the same of both servers but for what the system does. */
export class MemoryTaker implements Taker, IngressHandler {
  private readonly config: ReturnType<typeof listenerConfig>
  private readonly timers = new TimerWheel(systemClock)
  private readonly server: Http1Server
  private readonly lingering: ConnectionHost['lingering'] = new Set()
  private readonly byPort = new Map<number, Handled[]>()
  private ports = 0
  private events = 0

  constructor(http1: Http1) {
    this.config = listenerConfig({ ...OPTIONS, http1 })
    const host: ConnectionHost = {
      name: 'web',
      unix: false,
      timers: this.timers,
      lingering: this.lingering,
      handler: this,
      guard: new HeadGuard(this.config.limits),
      clock: new EventClock(systemClock),
      draining: false,
      fault: () => {},
      retired: () => {},
      bodyTimeout: 2_000,
      inFlight: 0,
    }
    this.server = http1 === 'own' ? new OwnHttp1(host, this.config) : new NodeHttp1(host, this.config)
  }

  handle(downstream: Downstream, refusal: Handled['refusal']): void {
    const handled = { downstream, events: new Events(), refusal }
    this.events++
    downstream.attach(handled.events)
    if (refusal === undefined) this.byPort.get(downstream.peer.port)?.push(handled)
    answerWhole(handled)
  }

  malformed(): undefined {
    this.events++
  }

  async take(inputs: readonly Wire[]): Promise<Taken[][]> {
    const sockets = inputs.map(() => this.accepted())
    for (const [i, { cuts, text }] of inputs.entries()) {
      const bytes = Buffer.from(text, 'latin1')
      const socket = sockets[i] as MemorySocket
      let from = 0
      for (const cut of [...cuts, bytes.length]) {
        // A buffer of its own, as reads of a socket are.
        if (cut > from) socket.arrive(Buffer.from(bytes.subarray(from, cut)))
        from = cut
      }
    }
    await this.quiet(sockets)
    for (const socket of sockets) socket.finish()
    await this.quiet(sockets)
    const taken = sockets.map(({ remotePort }) => takenOf(this.byPort.get(remotePort) ?? []))
    for (const socket of sockets) {
      this.byPort.delete(socket.remotePort)
      socket.destroy()
    }
    return taken
  }

  async stop(): Promise<void> {
    this.server.close()
    this.timers.close()
  }

  private accepted(): MemorySocket {
    const socket = new MemorySocket(++this.ports)
    const list: Handled[] = []
    this.byPort.set(socket.remotePort, list)
    const connection = acceptOver(this.server, socket.socket, systemClock.now() + OPTIONS.timeouts.headers)
    socket.on('close', () => this.lingering.delete(connection))
    return socket
  }

  private async quiet(sockets: readonly MemorySocket[]): Promise<void> {
    let quiet = 0
    let before = -1
    for (let turn = 0; quiet < QUIET_TURNS && turn < MOST_TURNS; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
      const now = sockets.reduce((sum, { activity }) => sum + activity, this.events)
      quiet = now === before ? quiet + 1 : 0
      before = now
    }
  }
}

/** Over real sockets. Its answers are read, and the client's side is closed once nothing more came for a while. */
export class SocketTaker implements Taker {
  private readonly held: Gate
  private readonly byPort = new Map<number, Handled[]>()

  private constructor(held: Gate) {
    this.held = held
  }

  static async start(http1: Http1): Promise<SocketTaker> {
    let taker: SocketTaker | undefined
    taker = new SocketTaker(await gate((handled) => taker?.onRequest(handled), { http1, ...OPTIONS }))
    return taker
  }

  async take(inputs: readonly Wire[], patiently = false): Promise<Taken[][]> {
    const settleMs = patiently ? 20 * SETTLE_MS : SETTLE_MS
    const taken = await Promise.all(inputs.map((input) => this.one(input, settleMs)))
    this.held.handled.length = 0
    this.held.glimpses.length = 0
    this.held.malformedInputs.length = 0
    this.held.faults.length = 0
    return taken
  }

  stop(): Promise<void> {
    return this.held.stop()
  }

  private async one({ cuts, text }: Wire, settleMs: number): Promise<Taken[]> {
    const socket = connect({ port: this.held.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    let reads = 0
    socket.on('error', () => {})
    socket.on('data', () => reads++)
    await once(socket, 'connect')
    const port = socket.localPort as number
    const closed = new Promise((resolve) => socket.once('close', resolve))
    let from = 0
    for (const cut of [...cuts, text.length]) {
      socket.write(text.slice(from, cut), 'latin1')
      from = cut
      if (cut < text.length) await new Promise((resolve) => setImmediate(resolve))
    }
    for (let before = -1; before !== reads && !socket.destroyed; ) {
      before = reads
      await new Promise((resolve) => setTimeout(resolve, settleMs))
    }
    socket.end()
    await closed
    const handled = this.byPort.get(port) ?? []
    this.byPort.delete(port)
    return takenOf(handled)
  }

  private onRequest(handled: Handled): void {
    const { port } = handled.downstream.peer
    const list = this.byPort.get(port) ?? []
    this.byPort.set(port, list)
    list.push(handled)
    answerWhole(handled)
  }
}

function takenOf(handled: readonly Handled[]): Taken[] {
  return handled
    .filter(({ downstream, events }) => downstream.contentLength === 0 || events.ended)
    .map(({ downstream, events }) => {
      const { authority, contentLength, headers, host, method, protocol, target } = downstream
      const trailers = events.trailers ?? []
      const parts = [method, target, protocol, host, authority, contentLength, headers, events.body, trailers]
      return { method, contentLength, headers, trailers, text: JSON.stringify(parts) }
    })
}
