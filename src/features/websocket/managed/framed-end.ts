import type { Duplex } from 'node:stream'
import type { Receiver, Sender } from 'ws'
import { ownMemory } from '../../../lib/own-memory.ts'
import { type Due, Timer, type TimerWheel } from '../../../lib/timers.ts'
import { faultCode, isSent, POLICY } from '../wire/closes.ts'
import { Fragments } from './fragments.ts'

/** What is used of `ws`: it is loaded only where a route asks for it. */
export interface Codec {
  readonly Receiver: typeof Receiver
  readonly Sender: typeof Sender
}

export interface FramedEndOptions {
  /** Which end: a client masks what it sends, and an upstream is sent masked frames. */
  readonly side: 'client' | 'upstream'
  /** Bytes of a message. */
  readonly maxMessage: number
  /** Milliseconds of silence after which it is pinged, and after as many more of which it is dead; undefined: never. */
  readonly ping: number | undefined
}

/** It broke the protocol; `code` tells it so. */
export interface FrameFault {
  readonly how: 'fault'
  readonly code: number
  readonly text: string
}

/** How it ended without a Close: it closed or reset its socket, does not answer, or broke the protocol. */
export type Broken = { readonly how: 'ended' | 'reset' | 'silent' } | FrameFault

/** What it tells; after `onClose` or `onBroken` nothing follows but `onDrain`. */
export interface FramedEndEvents {
  onPinged(end: FramedEnd): void
  onBytes(end: FramedEnd, bytes: number): void
  onMessage(end: FramedEnd, data: Buffer, binary: boolean): void
  /** It sent a Close; 1005: without a code. */
  onClose(end: FramedEnd, code: number, reason: Buffer): void
  onBroken(end: FramedEnd, broken: Broken): void
  /** There is room again. */
  onDrain(end: FramedEnd): void
}

/** A message in more pieces than this, or in more reads per byte, is an attack on memory: each costs some 100 bytes. */
const MOST_FRAGMENTS = 4096
const LEAST_BYTES_PER_READ = 256
const SPARE_READS = 1024

/** What may be read besides a message in fragments until it is whole: twice its bytes, heads and control frames included, and two chunks. */
const SPARE_BYTES = 131_072

/** A message that holds more than so many times its bytes gets memory of its own. */
const LARGEST_SHARE = 4

/** How long the socket of a peer that was let go may take to send what is left. */
const RETIRE_MS = 1000

const EMPTY = Buffer.alloc(0)

/**
 * One end of a managed WebSocket: whole messages in both directions, pings answered, the Close handshake in the hands of its
 * owner. `Receiver` and `Sender` of `ws` read and write the frames. Not its `WebSocket`: that writes heads, closes and ends sockets
 * by rules and clocks of its own. No extension is spoken, so that both work in the turn in which they are called.
 */
export class FramedEnd {
  readonly socket: Duplex
  closeSent = false
  private readonly receiver: Receiver
  private readonly fragments = new Fragments()
  /** Bytes that are read until a message in fragments is whole. */
  private readonly mostRead: number
  private readonly sender: Sender
  private readonly events: FramedEndEvents
  private readonly timers: TimerWheel
  private readonly masks: boolean
  private readonly pingMs: number | undefined
  private readonly timer: Due
  private paused = false
  /** It sent a Close, broke, or is no longer listened to. */
  private over = false
  private retiring = false
  private heard = false
  private pinged = false
  /** The latest ping that waits for room: only that one must be answered, RFC 6455, section 5.5.3. */
  private owed: Buffer | undefined = undefined

  constructor(
    { Receiver, Sender }: Codec,
    socket: Duplex,
    options: FramedEndOptions,
    timers: TimerWheel,
    events: FramedEndEvents,
  ) {
    const { maxMessage, ping, side } = options
    this.socket = socket
    this.events = events
    this.timers = timers
    this.masks = side === 'upstream'
    this.pingMs = ping
    this.mostRead = 2 * maxMessage + SPARE_BYTES
    this.sender = new Sender(socket)
    this.receiver = new Receiver({
      isServer: side === 'client',
      maxPayload: maxMessage,
      maxFragments: MOST_FRAGMENTS,
      maxBufferedChunks: SPARE_READS + Math.ceil(maxMessage / LEAST_BYTES_PER_READ),
    })
    this.receiver
      .on('message', (data, binary) => {
        // It may wait for a slow reader.
        if (!this.over) events.onMessage(this, ownMemory(data, LARGEST_SHARE), binary)
      })
      .on('ping', (data) => this.answer(data))
      .on('conclude', (code, reason) => this.end(() => events.onClose(this, code, reason)))
      .on('error', (error) => this.break({ how: 'fault', code: faultCode(error), text: error.message }))
    socket
      .on('data', (chunk: Buffer) => this.read(chunk))
      .on('end', () => this.break({ how: 'ended' }))
      .on('error', () => this.break({ how: 'reset' }))
      .on('close', () => this.onGone())
      .on('drain', () => this.onRoom())
    this.timer = new Timer(() => this.onSilence())
    if (ping !== undefined) timers.schedule(this.timer, ping)
    socket.resume()
  }

  /** To be called by its owner, who knows it by now: it may have gone before it was listened to. */
  look(): void {
    if (this.socket.destroyed) this.break({ how: 'reset' })
  }

  /** It takes no more for now: what is sent anyway is kept in memory. */
  get full(): boolean {
    return this.socket.writableNeedDrain
  }

  send(data: Buffer, binary: boolean): void {
    if (this.writable) this.sender.send(data, { binary, compress: false, fin: true, mask: this.masks })
  }

  /** Frames as it gets them. */
  write(frames: Buffer): void {
    if (this.writable && frames.length > 0) this.socket.write(frames)
  }

  /** Sends a Close, once; nothing is sent behind it. A code that is only told stands for none. */
  close(code: number, reason: Buffer | string = EMPTY): void {
    if (!this.writable) return
    this.sender.close(isSent(code) ? code : undefined, reason, this.masks)
    this.closeSent = true
  }

  pause(): void {
    this.paused = true
    this.socket.pause()
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    this.heard = true
    this.socket.resume()
  }

  /** No longer listened to. What was written goes out, then the socket ends. */
  retire(): void {
    this.over = true
    if (this.retiring || this.socket.destroyed) return
    this.retiring = true
    this.timers.cancel(this.timer)
    this.timers.schedule(this.timer, RETIRE_MS)
    this.socket.resume()
    this.socket.end(() => this.destroy())
  }

  /** No longer listened to; the socket belongs to others. */
  leave(): void {
    this.over = true
    this.timers.cancel(this.timer)
  }

  destroy(): void {
    this.leave()
    this.socket.destroy()
  }

  private get writable(): boolean {
    return !this.closeSent && this.socket.writable
  }

  private read(chunk: Buffer): void {
    if (this.over) return
    this.heard = true
    this.events.onBytes(this, chunk.length)
    if (this.fragments.read(chunk) <= this.mostRead) this.receiver.write(chunk)
    else this.break({ how: 'fault', code: POLICY, text: 'A message has too much between its fragments' })
  }

  private answer(data: Buffer): void {
    if (this.over) return
    if (this.full) this.owed = Buffer.from(data)
    else if (this.writable) this.sender.pong(data, this.masks)
  }

  private onRoom(): void {
    const { owed } = this
    this.owed = undefined
    this.heard = true
    if (owed !== undefined) this.answer(owed)
    this.events.onDrain(this)
  }

  private onGone(): void {
    this.break({ how: 'reset' })
    this.timers.cancel(this.timer)
  }

  private onSilence(): void {
    if (this.retiring) {
      this.destroy()
      return
    }
    // What is not read cannot be heard, and behind what it does not take a ping would not reach it.
    if (this.heard || this.paused || this.full) this.pinged = false
    else if (this.pinged) {
      this.break({ how: 'silent' })
      return
    } else if (this.writable) {
      this.sender.ping(EMPTY, this.masks)
      this.events.onPinged(this)
      this.pinged = true
    }
    this.heard = false
    this.timers.schedule(this.timer, this.pingMs as number)
  }

  private break(broken: Broken): void {
    this.end(() => this.events.onBroken(this, broken))
  }

  private end(tell: () => void): void {
    if (this.over) return
    this.over = true
    this.timers.cancel(this.timer)
    tell()
  }
}
