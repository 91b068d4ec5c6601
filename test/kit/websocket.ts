import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type ClientOptions, type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import { until } from './until.ts'

/** One end of a WebSocket, and what it saw. */
export class WebSocketEnd {
  readonly ws: WebSocket
  /** Binary ones as `Buffer`s. */
  readonly messages: (string | Buffer)[] = []
  readonly pings: string[] = []
  readonly pongs: string[] = []
  readonly errors: string[] = []
  /** Bytes of messages. */
  received = 0
  /** False: messages are counted only. */
  keeps = true
  /** Code and reason; undefined: it is open. 1006: it ended without a Close. */
  closed: { readonly code: number; readonly reason: string } | undefined

  constructor(ws: WebSocket) {
    this.ws = ws
    ws.on('message', (data, isBinary) => {
      this.received += data.length
      if (this.keeps) this.messages.push(isBinary ? data : data.toString())
    })
    ws.on('ping', (data) => this.pings.push(data.toString()))
    ws.on('pong', (data) => this.pongs.push(data.toString()))
    ws.on('error', (error) => this.errors.push(error.message))
    ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
    })
  }

  /** Waits until it has this many messages; all of them. */
  async got(count: number): Promise<readonly (string | Buffer)[]> {
    await until(
      () => this.messages.length >= count,
      () => `${count} messages; there are ${this.messages.length}, closed ${JSON.stringify(this.closed)}`,
    )
    return this.messages
  }

  /** Waits for its end. */
  async ended(): Promise<{ readonly code: number; readonly reason: string }> {
    await until(() => this.closed !== undefined)
    return this.closed as { code: number; reason: string }
  }
}

/** A WebSocket server on a port of the system's choice; each connection is an end. */
export class WebSocketUpstream {
  readonly server: Server = createServer((_request, answer) => void answer.writeHead(426).end('WebSocket only'))
  readonly ends: WebSocketEnd[] = []
  readonly requests: IncomingMessage[] = []
  readonly sockets = new Set<Socket>()
  readonly wss: WebSocketServer

  constructor(options: ServerOptions, onOpen: (end: WebSocketEnd) => void) {
    this.wss = new WebSocketServer({ ...options, server: this.server, clientTracking: false })
    this.wss.on('connection', (ws, request) => {
      const end = new WebSocketEnd(ws)
      this.ends.push(end)
      this.requests.push(request)
      onOpen(end)
    })
    this.server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
      socket.on('error', () => {})
    })
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Waits for connection number `index`. */
  async end(index = 0): Promise<WebSocketEnd> {
    await until(() => this.ends.length > index)
    return this.ends[index] as WebSocketEnd
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
    await once(this.server, 'close')
  }
}

/** Says every message once more. */
export function echoes({ ws }: WebSocketEnd): void {
  ws.on('message', (data, binary) => ws.send(data, { binary }))
}

/** Starts a server; by default it echoes. */
export async function webSocketUpstream(
  onOpen: (end: WebSocketEnd) => void = echoes,
  options: ServerOptions = {},
): Promise<WebSocketUpstream> {
  const upstream = new WebSocketUpstream(options, onOpen)
  upstream.server.listen(0, '127.0.0.1')
  await once(upstream.server, 'listening')
  return upstream
}

/** Opens a WebSocket; rejects with what answered in its place. Without permessage-deflate unless asked for. */
export async function openWebSocket(
  port: number,
  path = '/',
  { protocols = [], ...options }: ClientOptions & { readonly protocols?: readonly string[] } = {},
): Promise<WebSocketEnd> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { perMessageDeflate: false, ...options })
  const end = new WebSocketEnd(ws)
  const opened = once(ws, 'open')
  const refused = once(ws, 'unexpected-response').then(async ([, answer]: IncomingMessage[]) => {
    const chunks = await (answer as IncomingMessage).toArray()
    throw new RefusedUpgrade(answer as IncomingMessage, Buffer.concat(chunks).toString())
  })
  refused.catch(() => {})
  await Promise.race([opened, refused])
  return end
}

/** An upgrade that was answered with another status than 101. */
export class RefusedUpgrade extends Error {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string

  constructor({ headers, statusCode = 0 }: IncomingMessage, body: string) {
    super(`answered with ${statusCode}`)
    this.status = statusCode
    this.headers = headers
    this.body = body
  }
}

/** What was answered in the place of 101. */
export async function refusal(opening: Promise<WebSocketEnd>): Promise<RefusedUpgrade> {
  const outcome = await opening.catch((error: unknown) => error)
  if (outcome instanceof RefusedUpgrade) return outcome
  throw new Error('it was not refused', { cause: outcome })
}
