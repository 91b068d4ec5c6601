import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as httpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'

/** What an upstream saw of one request. */
export interface SeenRequest {
  readonly method: string
  readonly target: string
  /** Flat, as on the wire. */
  readonly headers: readonly string[]
  readonly localPort: number
  /** Complete once the request ended. */
  body: Buffer
  /** Flat, as on the wire. */
  trailers: readonly string[]
  ended: boolean
  aborted: boolean
}

/** First value of a field that the upstream saw; `name` in any case. */
export function seenField(request: SeenRequest, name: string): string | undefined {
  for (let i = 0; i < request.headers.length; i += 2) {
    if (request.headers[i]?.toLowerCase() === name.toLowerCase()) return request.headers[i + 1]
  }
  return undefined
}

export type Script = (req: IncomingMessage, res: ServerResponse, seen: SeenRequest) => void

/**
 * Answers, and ends the connection when it was idle for `ms`. `Connection` is the script's own, so that node adds no
 * `Keep-Alive`.
 */
export function endsIdle(ms: number): Script {
  return (req, res) => {
    const { socket } = req
    res.on('finish', () => setTimeout(() => socket.end(), ms))
    res.setHeader('connection', 'keep-alive').end('ok')
  }
}

/** A real HTTP upstream on 127.0.0.1 that keeps what it saw and does what its script says. */
export class TestUpstream {
  readonly server: Server
  readonly seen: SeenRequest[] = []
  readonly sockets = new Set<Socket>()
  /** Connections ever accepted. */
  accepted = 0
  script: Script

  constructor(script: Script, tls: TlsOptions | undefined) {
    this.script = script
    const handler = (req: IncomingMessage, res: ServerResponse): void => this.handle(req, res)
    this.server = tls === undefined ? createServer(handler) : httpsServer(tls, handler)
    this.server.keepAliveTimeout = 30_000
    this.server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.accepted++
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
      socket.on('error', () => {})
    })
    this.server.on('tlsClientError', () => {})
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async listen(port = 0, host = '127.0.0.1'): Promise<this> {
    this.server.listen(port, host)
    await once(this.server, 'listening')
    return this
  }

  /** Stops listening and breaks every connection: the endpoint is dead. */
  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    if (!this.server.listening) return
    this.server.close()
    await once(this.server, 'close')
  }

  private handle(req: IncomingMessage, res: ServerResponse): void {
    const seen: SeenRequest = {
      method: req.method ?? '',
      target: req.url ?? '',
      headers: req.rawHeaders,
      localPort: req.socket.localPort ?? 0,
      body: Buffer.alloc(0),
      trailers: [],
      ended: false,
      aborted: false,
    }
    this.seen.push(seen)
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      seen.body = Buffer.concat(chunks)
      seen.trailers = req.rawTrailers
      seen.ended = true
    })
    req.on('error', () => {
      seen.aborted = true
    })
    res.on('error', () => {})
    res.on('close', () => {
      if (!res.writableFinished) seen.aborted = true
    })
    this.script(req, res, seen)
  }
}

/** Starts an upstream; the default script answers 200 `ok` once the request ended. */
export function testUpstream(script: Script = ok, tls?: TlsOptions): Promise<TestUpstream> {
  return new TestUpstream(script, tls).listen()
}

function ok(req: IncomingMessage, res: ServerResponse): void {
  req.on('end', () => res.end('ok'))
}
