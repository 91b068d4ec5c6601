/**
 * The least that a proxy in JavaScript can do and still read what it passes on: a server and a client over net.Socket that check
 * each octet of heads, for requests and answers without trailers, chunks, time limits or an access log. What Sluice adds to it is
 * what a gateway is for. `node lean.ts PORT BACKEND_PORT`.
 */
import { connect, createServer, type Socket } from 'node:net'

const TCHAR = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
const TOKEN = new Uint8Array(256)
for (const char of TCHAR) TOKEN[char.charCodeAt(0)] = 1
const VALUE = new Uint8Array(256).fill(1)
VALUE.fill(0, 0, 32)
VALUE[9] = 1
VALUE[127] = 0

const [HTAB, SP, COLON] = [9, 32, 58]
/** Of an answer's body: up to so much goes out in one text with its head. */
const SMALL_BYTES = 2_048
const UNKNOWN = -1
const BROKEN = -2

interface Asking {
  onHead(status: number, headers: readonly string[]): void
  onPart(part: Buffer): void
}

/** Reads the lines of `chunk[from, end)`, which is `text`, into `headers`; gives the Content-Length, UNKNOWN or BROKEN. */
function fieldsOf(text: string, chunk: Buffer, from: number, end: number, headers: string[]): number {
  let length = UNKNOWN
  for (let at = from; at < end + 2; ) {
    const lineEnd = text.indexOf('\r\n', at)
    let colon = at
    while (TOKEN[chunk[colon] as number] === 1) colon++
    if (colon === at || chunk[colon] !== COLON) return BROKEN
    let valueFrom = colon + 1
    while (isBlank(chunk[valueFrom])) valueFrom++
    let valueEnd = lineEnd
    while (valueEnd > valueFrom && isBlank(chunk[valueEnd - 1])) valueEnd--
    for (let i = valueFrom; i < valueEnd; i++) if (VALUE[chunk[i] as number] === 0) return BROKEN
    const name = text.slice(at, colon)
    const value = text.slice(valueFrom, valueEnd)
    headers.push(name, value)
    if (name.length === 14 && name.toLowerCase() === 'content-length') length = Number(value)
    at = lineEnd + 2
  }
  return length
}

function isBlank(octet: number | undefined): boolean {
  return octet === SP || octet === HTAB
}

function written(headers: readonly string[]): string {
  let text = ''
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`
  return text
}

/** A kept connection to the backend; one request at a time. */
class Upstream {
  private readonly socket: Socket
  private readonly idle: Upstream[]
  private asking: Asking | undefined = undefined
  private left = UNKNOWN
  private rest: Buffer | undefined = undefined

  constructor(port: number, idle: Upstream[]) {
    this.idle = idle
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('data', (chunk) => this.onData(chunk as Buffer))
    this.socket.on('error', () => {})
  }

  ask(head: string, asking: Asking): void {
    this.asking = asking
    this.socket.write(head, 'latin1')
  }

  private onData(read: Buffer): void {
    const { asking } = this
    if (asking === undefined) return
    let chunk = read
    if (this.left === UNKNOWN) {
      if (this.rest !== undefined) chunk = Buffer.concat([this.rest, read])
      this.rest = undefined
      const text = chunk.toString('latin1', 0, 16_384)
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) {
        this.rest = chunk
        return
      }
      const headers: string[] = []
      this.left = fieldsOf(text, chunk, text.indexOf('\r\n') + 2, end, headers)
      if (this.left < 0) throw new Error('an answer without Content-Length')
      asking.onHead(Number(text.slice(9, 12)), headers)
      chunk = chunk.subarray(end + 4)
    }
    this.left -= chunk.length
    if (this.left <= 0) {
      this.left = UNKNOWN
      this.asking = undefined
      this.idle.push(this)
    }
    asking.onPart(chunk)
  }
}

/** A client's connection: one request at a time, without a body. */
class Client implements Asking {
  private readonly socket: Socket
  private readonly pool: (head: string, asking: Asking) => void
  private rest: Buffer | undefined = undefined
  private head = ''

  constructor(socket: Socket, pool: (head: string, asking: Asking) => void) {
    this.socket = socket
    this.pool = pool
    socket.on('data', (chunk) => this.onData(chunk as Buffer))
    socket.on('error', () => {})
  }

  onHead(status: number, headers: readonly string[]): void {
    this.head = `HTTP/1.1 ${status} OK\r\n${written(headers)}\r\n`
  }

  onPart(part: Buffer): void {
    const { head, socket } = this
    this.head = ''
    if (head === '') socket.write(part)
    else if (part.length < SMALL_BYTES) socket.write(head + part.toString('latin1'), 'latin1')
    else {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(part)
      socket.uncork()
    }
  }

  private onData(read: Buffer): void {
    const chunk = this.rest === undefined ? read : Buffer.concat([this.rest, read])
    this.rest = undefined
    const text = chunk.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end === -1) {
      this.rest = chunk
      return
    }
    const lineEnd = text.indexOf('\r\n')
    const [method, target] = text.slice(0, lineEnd).split(' ', 2)
    const headers: string[] = []
    if (fieldsOf(text, chunk, lineEnd + 2, end, headers) !== UNKNOWN) this.socket.destroy()
    else this.pool(`${method} ${target} HTTP/1.1\r\n${written(headers)}X-Forwarded-For: 127.0.0.1\r\n\r\n`, this)
  }
}

const [port, backend] = process.argv.slice(2).map(Number) as [number, number]
const idle: Upstream[] = []
const pool = (head: string, asking: Asking): void => (idle.pop() ?? new Upstream(backend, idle)).ask(head, asking)
createServer({ noDelay: true }, (socket) => void new Client(socket, pool)).listen(port, '127.0.0.1', 4096)
