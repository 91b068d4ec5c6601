import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { ListenerConfig } from '../../../core/config.ts'
import { http } from '../../../lib/node-http.ts'
import type { Arrival } from '../accept/peek.ts'
import type { ConnectionHost, Http1Server } from '../common/host.ts'
import { CONNECT_REFUSED } from '../common/methods.ts'
import { NodeConnection } from './connection.ts'
import { glimpseOfConnect } from './glimpse.ts'
import { malformedFailure, type ParserError } from './malformed.ts'
import { Incoming, Outgoing } from './messages.ts'

/** node:http over sockets that are accepted elsewhere. */
export class NodeHttp1 implements Http1Server {
  private readonly host: ConnectionHost
  private readonly config: ListenerConfig
  private readonly server: Server<typeof Incoming, typeof Outgoing>
  private readonly open = new Map<Socket, NodeConnection>()

  constructor(host: ConnectionHost, config: ListenerConfig) {
    this.host = host
    this.config = config
    this.server = strictServer(config)
    const onRequest = (req: Incoming, res: Outgoing): void => this.open.get(req.socket)?.onRequest(req, res)
    this.server.on('request', onRequest)
    // The guard judges Expect; `100 Continue` waits until the body is wanted.
    this.server.on('checkContinue', onRequest)
    this.server.on('checkExpectation', onRequest)
    this.server.on('connect', (req) => this.open.get(req.socket)?.onConnect(CONNECT_REFUSED, glimpseOfConnect(req)))
    this.server.on('clientError', (error, socket) => this.onClientError(error, socket as Socket))
    // It never listens itself, and would not look for slow heads.
    this.server.emit('listening')
  }

  matches(): boolean {
    return true
  }

  /** Its own time for heads begins now. */
  accept(socket: Socket, { life }: Arrival): NodeConnection {
    this.server.emit('connection', socket)
    const connection = new NodeConnection(this.host, socket, life, this.config)
    this.open.set(socket, connection)
    socket.on('close', () => this.open.delete(socket))
    return connection
  }

  close(): void {
    this.server.close()
  }

  private onClientError(error: ParserError, socket: Socket): void {
    const connection = this.open.get(socket)
    if (connection === undefined) socket.destroy()
    else connection.onError(error, malformedFailure(error, this.config.limits))
  }
}

/** node:http with every strictness on and every bound set. */
function strictServer(config: ListenerConfig): Server<typeof Incoming, typeof Outgoing> {
  const { timeouts, limits } = config
  const server = http.createServer<typeof Incoming, typeof Outgoing>({
    IncomingMessage: Incoming,
    ServerResponse: Outgoing,
    insecureHTTPParser: false,
    // The guard distinguishes target and fields; see malformed.ts for heads larger than both limits together.
    maxHeaderSize: limits.headerBytes + limits.targetBytes + 1,
    // Checked by the guard, whose answer says more.
    requireHostHeader: false,
    headersTimeout: timeouts.headers,
    // Would cut long uploads.
    requestTimeout: 0,
    keepAliveTimeout: timeouts.keepAlive,
    connectionsCheckingInterval: Math.min(1_000, Math.max(25, Math.ceil(timeouts.headers / 4))),
    optimizeEmptyRequests: true,
  })
  // The guard counts: node's own bound cannot be told from too many bytes, and cuts trailers silently.
  server.maxHeadersCount = 0
  // Connections judge what it means that a client closes its side. Not documented, and meant to be set.
  ;(server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true
  return server
}
