import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { until } from '../../kit/until.ts'

/** What an endpoint does with a WebSocket that it has accepted. */
export type Serve = (socket: WebSocket, endpoint: WsEndpoint) => void

/** A WebSocket server, which answers each message with its name and the message. */
export class WsEndpoint {
  readonly name: string
  readonly got: string[] = []
  readonly requests: IncomingMessage[] = []
  /** Status that refuses handshakes; 0: none does. */
  refuses = 0
  /** Extension that it says was agreed on. */
  claims: string | undefined = undefined
  private readonly server: WebSocketServer
  private readonly connections = new Set<Duplex>()

  private constructor(name: string, server: WebSocketServer, serve: Serve) {
    this.name = name
    this.server = server
    server.on('headers', (headers) => {
      if (this.claims !== undefined) headers.push(`Sec-WebSocket-Extensions: ${this.claims}`)
    })
    server.on('connection', (socket, request) => {
      this.requests.push(request)
      this.connections.add(request.socket)
      request.socket.on('close', () => this.connections.delete(request.socket))
      socket.on('error', () => {})
      serve(socket, this)
    })
  }

  static async start(name: string, serve: Serve = echo, port = 0): Promise<WsEndpoint> {
    let endpoint: WsEndpoint | undefined
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port,
      perMessageDeflate: true,
      handleProtocols: (offered) => (offered.has('v2') ? 'v2' : false),
      verifyClient: (_info, done) => {
        const refuses = endpoint?.refuses ?? 0
        done(refuses === 0, refuses)
      },
    })
    endpoint = new WsEndpoint(name, server, serve)
    await once(server, 'listening')
    return endpoint
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get open(): number {
    return this.connections.size
  }

  /** The sockets below its WebSockets. */
  get raw(): readonly Duplex[] {
    return [...this.connections]
  }

  /** Its connections die; it takes new ones. */
  drop(): void {
    for (const socket of this.connections) socket.destroy()
  }

  /** It is gone, with its connections. */
  async die(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve))
    this.drop()
    await closed
  }
}

/** Says whatever comes once more, with its name. */
export function echo(socket: WebSocket, { got, name }: WsEndpoint): void {
  socket.on('message', (data, binary) => {
    const text = binary ? `${data.length} bytes` : data.toString()
    got.push(text)
    socket.send(`${name}: ${text}`)
  })
}

/** A client that keeps what it got. */
export class WsClient {
  readonly socket: WebSocket
  readonly got: string[] = []
  /** Code and reason, once it is closed. */
  closed: string | undefined = undefined
  private failed: Error | undefined = undefined

  constructor(port: number, path = '/chat', protocols: readonly string[] = []) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols)
    this.socket.on('message', (data, binary) => this.got.push(binary ? `${data.length} bytes` : data.toString()))
    this.socket.on('close', (code, reason) => {
      this.closed = `${code} ${reason}`.trim()
    })
    this.socket.on('error', (error) => {
      this.failed = error
    })
  }

  async opened(): Promise<this> {
    await until(() => this.socket.readyState === WebSocket.OPEN || this.failed !== undefined)
    if (this.failed !== undefined) throw this.failed
    return this
  }

  send(text: string | Buffer): void {
    this.socket.send(text)
  }

  async gets(count: number): Promise<readonly string[]> {
    await until(
      () => this.got.length >= count,
      () => `${count} messages, got ${JSON.stringify(this.got)}, closed ${this.closed}`,
    )
    return this.got
  }

  async ends(): Promise<string> {
    await until(
      () => this.closed !== undefined,
      () => `a Close, got ${JSON.stringify(this.got)}`,
    )
    return this.closed as string
  }
}
