import { connect, type Socket } from 'node:net'

const END_OF_HEAD = '\r\n\r\n'
/** `HTTP/1.1 200 …` */
const STATUS_AT = 9

/**
 * A connection that sends one and the same request again and again, and reads no more of an answer than its status and its
 * length: a load tool must cost less than the gateway. An answer without Content-Length is an error. Opens when it is first
 * needed, and again after it broke.
 */
export class Line {
  private readonly port: number
  private readonly request: Buffer
  private readonly onEnd: (line: Line, dueAt: number, ok: boolean) => void
  private socket: Socket | undefined = undefined
  private dueAt = 0
  private busy = false
  private head = ''
  /** Bytes of body still to come; undefined: the head is not complete. */
  private left: number | undefined = undefined
  private ok = false

  constructor(port: number, request: Buffer, onEnd: (line: Line, dueAt: number, ok: boolean) => void) {
    this.port = port
    this.request = request
    this.onEnd = onEnd
  }

  /** Only when the last answer has ended. */
  send(dueAt: number): void {
    this.dueAt = dueAt
    this.busy = true
    this.head = ''
    this.left = undefined
    this.socket ??= this.open()
    this.socket.write(this.request)
  }

  close(): void {
    this.busy = false
    this.socket?.destroy()
  }

  private open(): Socket {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true })
    socket.on('data', (chunk: Buffer) => this.onData(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.socket = undefined
      if (this.busy) this.end(false)
    })
    return socket
  }

  private onData(chunk: Buffer): void {
    if (!this.busy) return
    if (this.left === undefined) this.onHead(chunk)
    else this.left -= chunk.length
    if (this.left === undefined || this.left > 0) return
    // More than was announced: what follows cannot be told apart.
    if (this.left < 0) this.socket?.destroy()
    else this.end(this.ok)
  }

  private onHead(chunk: Buffer): void {
    this.head += chunk.toString('latin1')
    const end = this.head.indexOf(END_OF_HEAD)
    if (end === -1) return
    const length = /\r\ncontent-length: *(\d+)\r/i.exec(this.head.slice(0, end + 2))?.[1]
    this.ok = Number(this.head.slice(STATUS_AT, STATUS_AT + 3)) < 400
    if (length === undefined) this.socket?.destroy()
    else this.left = Number(length) - (this.head.length - end - END_OF_HEAD.length)
  }

  private end(ok: boolean): void {
    this.busy = false
    this.onEnd(this, this.dueAt, ok)
  }
}
