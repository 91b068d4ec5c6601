import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket, type TlsOptions, connect as tlsConnect, createServer as tlsServer } from 'node:tls'
import { until } from './until.ts'

/** One end of a raw TCP (or TLS) connection: scripted bytes out, everything that came in kept. */
export class TcpPeer {
  readonly socket: Socket
  /** The other end closed its side. */
  ended = false
  closed = false
  /** The connection broke by a reset or another error. */
  error: NodeJS.ErrnoException | undefined
  private readonly chunks: Buffer[] = []
  private bytes = 0
  private dropping = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length
      if (!this.dropping) this.chunks.push(chunk)
    })
    socket.on('end', () => {
      this.ended = true
    })
    socket.on('error', (error) => {
      this.error = error
    })
    socket.on('close', () => {
      this.closed = true
    })
  }

  /** Everything received, one character a byte. */
  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }

  get received(): number {
    return this.bytes
  }

  /** Counts what comes in without keeping it. */
  drop(): void {
    this.dropping = true
  }

  /** Strings are latin1. */
  send(data: string | Buffer): void {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
  }

  /** Sends and closes our side (FIN). */
  end(data: string | Buffer = ''): void {
    this.socket.end(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
  }

  /** Breaks the connection with a RST. */
  reset(): void {
    if (this.socket instanceof TLSSocket) this.socket.destroy()
    else this.socket.resetAndDestroy()
  }

  /** Waits for `part` in what was received; returns everything received. */
  async receive(part: string | RegExp): Promise<string> {
    const there = (): boolean => (typeof part === 'string' ? this.text.includes(part) : part.test(this.text))
    await until(there, () => `${part} in ${JSON.stringify(this.text.slice(0, 2000))}`)
    return this.text
  }

  /** Waits for the end of the connection; returns everything received. */
  async receiveAll(): Promise<string> {
    await until(
      () => this.ended || this.closed,
      () => `end after ${JSON.stringify(this.text.slice(0, 2000))}`,
    )
    return this.text
  }
}

/** A real server of raw bytes on 127.0.0.1. */
export class TcpServer {
  readonly server: Server
  readonly port: number
  /** Every connection ever accepted, in order. */
  readonly peers: TcpPeer[]
  /** Those that failed their TLS handshake, too. */
  private readonly sockets = new Set<Socket>()

  constructor(server: Server, peers: TcpPeer[]) {
    this.server = server
    server.on('connection', (socket: Socket) => this.sockets.add(socket))
    this.peers = peers
    this.port = (server.address() as AddressInfo).port
  }

  get accepted(): number {
    return this.peers.length
  }

  get open(): number {
    return this.peers.filter((peer) => !peer.closed).length
  }

  /** Waits for connection number `index` (from 0). */
  async peer(index = 0): Promise<TcpPeer> {
    await until(
      () => this.peers.length > index,
      () => `connection ${index}`,
    )
    return this.peers[index] as TcpPeer
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.socket.destroy()
    for (const socket of this.sockets) socket.destroy()
    if (!this.server.listening) return
    this.server.close()
    await once(this.server, 'close')
  }
}

/** Listens on a free port; `script` runs for each connection. With `tls`, over TLS. */
export async function tcpServer(script: (peer: TcpPeer) => void = () => {}, tls?: TlsOptions): Promise<TcpServer> {
  const peers: TcpPeer[] = []
  const accept = (socket: Socket): void => {
    socket.setNoDelay(true)
    const peer = new TcpPeer(socket)
    peers.push(peer)
    script(peer)
  }
  const server =
    tls === undefined
      ? createServer({ allowHalfOpen: true }, accept)
      : tlsServer({ ...tls, allowHalfOpen: true }, accept)
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return new TcpServer(server, peers)
}

/** A server that answers every complete head (of a request without body) with `answer`. */
export function answering(answer: string | Buffer): Promise<TcpServer> {
  return tcpServer((peer) => {
    let heads = 0
    peer.socket.on('data', () => {
      const seen = peer.text.split('\r\n\r\n').length - 1
      for (; heads < seen; heads++) peer.send(answer)
    })
  })
}

/** A raw client connection to 127.0.0.1. `from`: address of our end. */
export async function tcpConnect(port: number, from = '127.0.0.1'): Promise<TcpPeer> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from, noDelay: true, allowHalfOpen: true })
  const peer = new TcpPeer(socket)
  await once(socket, 'connect')
  return peer
}

export async function tlsClient(port: number, ca: string, servername = 'localhost'): Promise<TcpPeer> {
  const socket = tlsConnect({ host: '127.0.0.1', port, ca, servername })
  const peer = new TcpPeer(socket)
  await once(socket, 'secureConnect')
  return peer
}

/**
 * A port on 127.0.0.1 on which nobody listens, until somebody does who asks for this very one: an open connection holds
 * it, so that the system gives it to no test that asks for any.
 */
export async function closedPort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const accepted = once(server, 'connection') as Promise<[Socket]>
  connect(port, '127.0.0.1').unref()
  const [holder] = await accepted
  holder.unref()
  server.close()
  return port
}
