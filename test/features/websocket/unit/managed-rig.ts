import { type Duplex, duplexPair } from 'node:stream'
import * as ws from 'ws'
import type { Failure } from '../../../../src/core/failures.ts'
import type { Connected, Side } from '../../../../src/core/services.ts'
import { type HeldTunnel, TunnelFacts } from '../../../../src/core/tunnel.ts'
import type {
  SessionClose,
  SessionEvents,
  SessionOptions,
} from '../../../../src/features/websocket/managed/contract.ts'
import type { Loss } from '../../../../src/features/websocket/managed/reconnecting.ts'
import { Session } from '../../../../src/features/websocket/managed/session.ts'
import type { FlatHeaders } from '../../../../src/lib/headers.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { TimerWheel } from '../../../../src/lib/timers.ts'
import { ManualClock } from '../../../kit/clock.ts'

/** Turns of the event loop that streams in memory take for what was written. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise(setImmediate)
}

/** The other end of one of the two sockets of a session. */
export class FarEnd {
  readonly socket: Duplex
  readonly got: string[] = []
  pongs: string[] = []
  pings = 0
  /** FIN, or the socket is gone. */
  ended = false
  destroyed = false
  private readonly sender: ws.Sender
  private readonly masks: boolean

  /** @param side which of the two it plays */
  constructor(socket: Duplex, side: 'client' | 'upstream') {
    this.socket = socket
    this.masks = side === 'client'
    this.sender = new ws.Sender(socket)
    const receiver = new ws.Receiver({ isServer: side === 'upstream' })
      .on('message', (data, binary) => this.got.push(binary ? `binary ${data.length}` : data.toString()))
      .on('ping', () => this.pings++)
      .on('pong', (data) => this.pongs.push(data.toString()))
      .on('conclude', (code, reason) => this.got.push(`close ${code} ${reason}`.trim()))
      .on('error', (error) => this.got.push(`error ${error.message}`))
    socket
      .on('data', (chunk: Buffer) => {
        if (!receiver.writableEnded) receiver.write(chunk)
      })
      .on('end', () => {
        this.ended = true
      })
      .on('close', () => {
        this.ended = true
        this.destroyed = true
      })
      .on('error', () => {})
  }

  send(data: string | Buffer): void {
    const binary = typeof data !== 'string'
    this.sender.send(Buffer.from(data as string), { binary, compress: false, fin: true, mask: this.masks })
  }

  /** A part of a message. */
  part(data: string, fin: boolean): void {
    this.sender.send(Buffer.from(data), { binary: false, compress: false, fin, mask: this.masks })
  }

  ping(data: string): void {
    this.sender.ping(Buffer.from(data), this.masks)
  }

  pong(): void {
    this.sender.pong(Buffer.alloc(0), this.masks)
  }

  close(code?: number, reason = ''): void {
    this.sender.close(code, reason, this.masks)
  }

  /** Dies without a word. */
  die(): void {
    this.socket.destroy()
  }
}

/** What a session asks the engine for. */
class FakeTunnel implements HeldTunnel {
  readonly facts = new TunnelFacts('websocket')
  /** How it ended. */
  end_: string | undefined = undefined
  actives = 0
  private readonly onEnd: () => void

  constructor(onEnd: () => void) {
    this.onEnd = onEnd
  }

  replaced(): void {}

  active(): void {
    this.actives++
  }

  end(why: Failure | undefined): void {
    this.over(`end ${why?.reason ?? ''}`.trim())
  }

  reset(why: Failure): void {
    this.over(`reset ${why.reason}`)
  }

  private over(how: string): void {
    if (this.end_ !== undefined) return
    this.end_ = how
    this.onEnd()
  }
}

const DEFAULTS: SessionOptions = {
  reconnect: { max: 3, backoff: { base: 100, cap: 1000 }, within: 20_000 },
  buffer: 1000,
  onReconnect: [],
  maxMessage: 100_000,
  ping: undefined,
  idle: undefined,
}

/** A session between two ends that a test plays, with upstreams that it grants or refuses, in virtual time. */
export class SessionRig implements SessionEvents {
  readonly clock = new ManualClock()
  readonly timers = new TimerWheel(this.clock)
  readonly told: string[] = []
  readonly client: FarEnd
  readonly upstreams: FarEnd[] = []
  readonly tunnel: FakeTunnel
  readonly session: Session
  private readonly near: Duplex[] = []
  messages = 0
  readonly pinged: string[] = []
  /** The endpoints that were to come last. */
  readonly asked: string[] = []
  pending: ((answer: Connected | Failure) => void) | undefined = undefined
  cancelled = 0
  waits = 0

  constructor(options: Partial<SessionOptions> = {}, headers: FlatHeaders = []) {
    const connect = (last: string): Side<Connected> => this.connect(last)
    const deps = { codec: ws, clock: this.clock, timers: this.timers, random: seededRandom(7), connect }
    this.session = new Session({ ...DEFAULTS, ...options }, { headers, endpoint: 'endpoint 0' }, deps, this)
    const [client, ours] = duplexPair()
    this.client = new FarEnd(client, 'client')
    this.near.push(ours)
    this.tunnel = new FakeTunnel(() => {
      this.session.over()
      for (const socket of this.near) {
        socket.end()
        socket.resume()
      }
    })
    this.session.join(this.tunnel, ours, this.upstream())
  }

  /** The latest. */
  get server(): FarEnd {
    return this.upstreams.at(-1) as FarEnd
  }

  /** Gives the session the upstream that it asks for, once its backoff has passed. */
  async grant(headers: FlatHeaders = [], dead = false): Promise<FarEnd> {
    const answer = await this.ask()
    const socket = this.upstream()
    if (dead) socket.destroy()
    await settle()
    answer({ status: 101, headers, body: undefined, endpoint: `endpoint ${this.upstreams.length - 1}`, socket })
    await settle()
    return this.server
  }

  async refuse(reason: Failure['reason'] = 'connect_refused'): Promise<void> {
    const answer = await this.ask()
    answer({ reason, phase: 'connect', origin: 'upstream' })
    await settle()
  }

  async pass(ms: number): Promise<void> {
    await settle()
    this.clock.advance(ms)
    await settle()
  }

  onLost(): void {
    this.waits++
  }

  onReplaced(times: number, { code, how }: Loss): void {
    this.told.push(`replaced ${times} ${how} ${code}`)
  }

  onFailed({ reason }: Failure): void {
    this.told.push(`failed ${reason}`)
  }

  onGivenUp({ code, how }: Loss, attempts: number): void {
    this.told.push(`given up ${how} ${code} after ${attempts}`)
  }

  onMessage(): void {
    this.messages++
  }

  onPinged(to: string): void {
    this.pinged.push(to)
  }

  onClosing(code: number, why: SessionClose): void {
    this.told.push(`closing ${code} ${why}`)
  }

  onOver(by: string, code: number): void {
    this.told.push(`over ${by} ${code}`)
  }

  /** Answers its handshake otherwise than by 101. */
  async answer(status: number): Promise<void> {
    const answer = await this.ask()
    answer({ status, headers: [], body: undefined, endpoint: 'endpoint 9', socket: undefined })
    await settle()
  }

  private connect(last: string): Side<Connected> {
    if (this.pending !== undefined) throw new Error('one at a time')
    this.asked.push(last)
    const { promise, resolve } = Promise.withResolvers<Connected | Failure>()
    this.pending = resolve
    return { result: promise, cancel: () => this.cancelled++ }
  }

  private async ask(): Promise<(answer: Connected | Failure) => void> {
    await settle()
    if (this.pending === undefined) await this.pass(1010)
    const { pending } = this
    if (pending === undefined) throw new Error('no upstream was asked for')
    this.pending = undefined
    return pending
  }

  private upstream(): Duplex {
    const [far, ours] = duplexPair()
    this.upstreams.push(new FarEnd(far, 'upstream'))
    this.near.push(ours)
    return ours
  }
}
