import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { resetStream } from '../../../lib/reset-stream.ts'
import type { ReadBuffers } from './http1-read-buffers.ts'

/**
 * A connection that changed its protocol: what comes from it, what goes to it, its two ends and its breaks. The socket's own
 * reads go past its stream (`onread`), so that this one stands in its place, with what came behind the head in front.
 */
export class UpgradedConnection extends Duplex {
  private readonly socket: Socket
  /** Something may be read into it now. */
  wants = false
  /** Goes on when the system has what was written. */
  private taken: (() => void) | undefined = undefined
  private ended = false
  private readonly buffers: ReadBuffers

  constructor(socket: Socket, buffers: ReadBuffers) {
    // Each direction ends by itself, and the socket says when both have. Nothing is read ahead while it is paused: the least part
    // costs some hundred bytes.
    super({ allowHalfOpen: true, readableHighWaterMark: 1 })
    this.socket = socket
    this.buffers = buffers
    buffers.share()
    // Its writing side must outlive the end of the other one from now on.
    socket.allowHalfOpen = true
    socket.pause()
  }

  /** What was read into the shared buffer, or the last one before. False: no further read for now. */
  arrived(bytes: number, buffer: Buffer): boolean {
    // The push may ask for more from within.
    this.wants = false
    if (this.push(this.buffers.copy(bytes, buffer))) this.wants = true
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
    resetStream(this.socket)
    return this.destroy()
  }

  override _read(): void {
    this.wants = true
    this.socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.taken = done
    this.socket.write(chunk, this.onWritten)
  }

  /** What has come since the write before: the socket has one at a time, so that nothing waits in both. */
  override _writev(parts: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.taken = done
    const { socket } = this
    const last = parts.length - 1
    socket.cork()
    for (const [i, { chunk }] of parts.entries()) socket.write(chunk, i === last ? this.onWritten : undefined)
    socket.uncork()
  }

  override _final(done: () => void): void {
    this.socket.end(() => done())
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy()
    done(error)
  }

  /** Of a failure the close that follows says all. */
  private readonly onWritten = (error: Error | null | undefined): void => {
    if (error) return
    const { taken } = this
    this.taken = undefined
    taken?.()
  }
}
