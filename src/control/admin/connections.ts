import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

interface Connection {
  /** Answers that it waits for. */
  answers: number
  /** One of them is a stream of events: bounded elsewhere, and never closed for others. */
  streams: boolean
}

/**
 * Keeps places of a server free for new clients: at the limit a new connection takes the place of the one that has sent
 * nothing complete for the longest time, be it silent, slow or idle; if all wait for answers, of the one that has waited
 * longest. A probe without a place would make the orchestrator end this process.
 */
export class Connections {
  private readonly most: number
  /** The longest without a complete request first: a set keeps the order in which it was filled. */
  private readonly waiting = new Set<Socket>()
  private readonly answering = new Set<Socket>()
  private readonly known = new WeakMap<Socket, Connection>()

  constructor(server: Server, most: number) {
    this.most = most
    server.on('connection', (socket) => this.add(socket))
    server.on('request', (request, response) => this.ask(request, response))
  }

  get count(): number {
    return this.waiting.size + this.answering.size
  }

  /** The answer on it lasts as long as its reader likes. */
  streams(socket: Socket): void {
    const connection = this.known.get(socket)
    if (connection !== undefined) connection.streams = true
  }

  private add(socket: Socket): void {
    if (this.count >= this.most) this.makePlace()
    this.known.set(socket, { answers: 0, streams: false })
    this.waiting.add(socket)
    socket.once('close', () => {
      this.waiting.delete(socket)
      this.answering.delete(socket)
    })
  }

  private makePlace(): void {
    const [silent] = this.waiting
    const longest = silent ?? this.answering.values().find((socket) => this.known.get(socket)?.streams !== true)
    if (longest === undefined) return
    this.waiting.delete(longest)
    this.answering.delete(longest)
    longest.destroy()
  }

  private ask(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const connection = this.known.get(socket)
    if (connection === undefined) return
    connection.answers++
    // A body that never ends proves no more than a head that does not.
    if (hasBody(request)) request.once('end', () => this.move(socket, connection))
    else this.move(socket, connection)
    response.once('close', () => {
      connection.answers--
      this.move(socket, connection)
    })
  }

  private move(socket: Socket, { answers }: Connection): void {
    if (!this.waiting.delete(socket) && !this.answering.delete(socket)) return
    const to = answers > 0 ? this.answering : this.waiting
    to.add(socket)
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
