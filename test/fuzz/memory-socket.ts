import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** A client's connection without a system in between: what a server reads is pushed, what it writes is dropped. */
export class MemorySocket extends Duplex {
  readonly remoteAddress = '127.0.0.1'
  readonly localPort = 80
  /** Tells one connection from another. */
  readonly remotePort: number
  bytesRead = 0
  /** Grows with all that a server does to it. */
  activity = 0

  constructor(remotePort: number) {
    super({ allowHalfOpen: true })
    this.remotePort = remotePort
    this.on('error', () => {})
  }

  /** As a server sees it: of a socket of the system it uses no more than is here. */
  get socket(): Socket {
    return this as unknown as Socket
  }

  /** The client sends this, in one read of the server. */
  arrive(piece: Buffer): void {
    if (this.destroyed) return
    this.bytesRead += piece.length
    this.push(piece)
  }

  /** The client sends nothing more. */
  finish(): void {
    if (!this.destroyed) this.push(null)
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy()).end()
  }

  resetAndDestroy(): this {
    return this.destroy()
  }

  setTimeout(): this {
    return this
  }

  override _read(): void {
    this.activity++
  }

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    this.activity++
    done()
  }

  override _final(done: () => void): void {
    this.activity++
    done()
  }
}
