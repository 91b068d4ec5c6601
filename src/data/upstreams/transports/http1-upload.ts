import type { Socket } from 'node:net'
import { trailerLines } from '../../../http/wire/sendable.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import { COPIED_BYTES, type Pieces } from '../../../lib/pieces.ts'

/** The writing half of one attempt at a time: head, then the body, by length or chunked. */
export class Http1Upload {
  /** The request was written whole. */
  done = false
  /** Octets still due; -1: chunked. */
  private remaining = 0
  /** A chunk was written: its CRLF goes out with what follows. */
  private inChunks = false
  /** `write` returned false. */
  private full = false
  private hasBody = false
  /** The head, while the beginning of the body may still join it. */
  private head = ''
  /** Later parts of the body may still join those that are here. */
  private corked = false
  private readonly pieces: Pieces

  constructor(pieces: Pieces) {
    this.pieces = pieces
  }

  begin(socket: Socket, head: string, contentLength: number): void {
    this.remaining = contentLength
    this.inChunks = false
    this.full = false
    this.hasBody = contentLength !== 0
    this.done = !this.hasBody
    if (this.hasBody) {
      // Body that is already here follows in this tick, or in those that it scheduled: one system call for all.
      this.head = head
      process.nextTick(scheduleSend, this, socket)
    } else socket.write(head, 'latin1')
  }

  /** @internal What else is here joins in the next ticks. */
  get gathers(): boolean {
    return this.head !== '' || this.corked
  }

  /** @internal What is here goes out. */
  send(socket: Socket): void {
    if (this.head !== '' && !socket.destroyed) this.sendHead(socket)
    if (!this.corked) return
    this.corked = false
    socket.uncork()
  }

  /** Whether the body may have that many more octets. */
  admits(length: number): boolean {
    return this.remaining === -1 || length <= this.remaining
  }

  /** False: wait until `drained`. */
  write(socket: Socket, chunk: Buffer): boolean {
    // An empty chunk would end the body.
    if (this.done || chunk.length === 0) return true
    let room: boolean
    if (this.head !== '' && chunk.length === this.remaining && chunk.length <= COPIED_BYTES) {
      const { head } = this
      this.head = ''
      this.remaining = 0
      room = this.pieces.write(socket, head, chunk, '')
      this.full = !room
      return room
    }
    if (this.head !== '') {
      this.corked = true
      socket.cork()
      this.sendHead(socket)
    }
    if (this.remaining === -1) {
      const size = chunk.length.toString(16)
      socket.cork()
      socket.write(this.inChunks ? `\r\n${size}\r\n` : `${size}\r\n`, 'latin1')
      room = socket.write(chunk)
      socket.uncork()
      this.inChunks = true
    } else {
      this.remaining -= chunk.length
      room = socket.write(chunk)
    }
    this.full = !room
    return room
  }

  /** False: octets that were announced are missing. A body with a length has no place for trailers. */
  end(socket: Socket, trailers: FlatHeaders): boolean {
    if (this.done) return true
    if (this.remaining > 0) return false
    this.done = true
    const { head } = this
    this.head = ''
    const last = this.remaining === -1 ? `${this.inChunks ? '\r\n' : ''}0\r\n${trailerLines(trailers)}\r\n` : ''
    if (head !== '' || last !== '') socket.write(head + last, 'latin1')
    return true
  }

  private sendHead(socket: Socket): void {
    const { head } = this
    this.head = ''
    socket.write(head, 'latin1')
  }

  /** There is room again; true: the writer waits for it. */
  drained(): boolean {
    const waited = this.full && !this.done
    this.full = false
    return waited
  }

  /** The operating system has the whole request. */
  flushed(socket: Socket): boolean {
    return this.done && (!this.hasBody || socket.writableLength === 0)
  }
}

/** Streams hand over what they hold in ticks of their own, scheduled when they were asked: those come first. */
function scheduleSend(upload: Http1Upload, socket: Socket): void {
  if (upload.gathers) process.nextTick(send, upload, socket)
}

function send(upload: Http1Upload, socket: Socket): void {
  upload.send(socket)
}
