import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { ReadBuffers } from './http1-read-buffers.ts'

/**
 * A connection that changed its protocol: what comes from it, what goes to it, its two ends and its breaks. The socket's own
 * reads go past its stream (`onread`), so that this one stands in its place, with what came behind the head in front.
 */
export class UpgradedConnection extends Duplex {
  private readonly socket: Socket
  /** Something may be read into it now. */
  wants = false
  /** Goes on when the socket has room again. */
  private written: (() => void) | undefined = undefined
  private ended = false
  private readonly buffers: ReadBuffers

  constructor(socket: Socket, buffers: ReadBuffers) {
    // Each direction ends by itself, and the socket says when both have.
    super({ allowHalfOpen: true })
    this.socket = socket
    this.buffers = buffers
    // Its writing side must outlive the end of the other one from now on.
    socket.allowHalfOpen = true
    socket.pause()
    socket.on('drain', () => this.drained())
  }

  /** What was read into one of the buffers. False: no further read for now. */
  arrived(bytes: number, buffer: Buffer): boolean {
    const octets = buffer.subarray(0, bytes)
    const owned = this.buffers.owned(bytes, buffer)
    if (owned) this.buffers.keep(buffer)
    // The push may ask for more from within.
    this.wants = false
    if (this.push(owned ? octets : Buffer.from(octets))) this.wants = true
    return this.wants
  }

  /** The peer has closed its side, over TLS politely or not: what it speaks now says by itself whether it is whole. */
  ends(): void {
    this.ended = true
    this.push(null)
  }

  /** The socket has closed. What has come is still read, unless the connection broke. */
  socketClosed(error: Error | undefined): void {
    if (error !== undefined || !this.ended || !this.writableFinished) this.destroy(error)
  }

  /** Ends both directions at once, so that the peer can see it; over TLS it sees an end without close_notify. */
  resetAndDestroy(): this {
    this.resetSocket()
    return this.destroy()
  }

  override _read(): void {
    this.wants = true
    this.socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.socket.write(chunk)) done()
    else this.written = done
  }

  override _final(done: () => void): void {
    this.socket.end(() => done())
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy()
    done(error)
  }

  private drained(): void {
    const { written } = this
    this.written = undefined
    written?.()
  }

  /** Only TCP itself has resets: sockets of TLS and of a path throw (26.10). */
  private resetSocket(): void {
    try {
      this.socket.resetAndDestroy()
    } catch {}
  }
}
