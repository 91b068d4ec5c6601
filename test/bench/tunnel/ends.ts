import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { handshake, switched } from '../../kit/upgrade.ts'

const PAYLOAD = 64
/** A masked frame with 64 bytes: 2 of head, 4 of mask. */
const ASKED = Buffer.concat([Buffer.from([0x82, 0x80 | PAYLOAD, 0, 0, 0, 0]), Buffer.alloc(PAYLOAD, 'x')])
const ANSWERED = Buffer.concat([Buffer.from([0x82, PAYLOAD]), Buffer.alloc(PAYLOAD, 'y')])

/** Answers each frame of 64 bytes with one. */
export async function echoing(): Promise<Server> {
  const server = createServer((_req, res) => res.end('ok'))
  server.on('upgrade', (req, socket: Socket) => {
    let bytes = 0
    socket.setNoDelay(true)
    socket.on('error', () => {}).on('end', () => socket.end())
    socket.write(switched(req))
    socket.on('data', (chunk) => {
      for (bytes += chunk.length; bytes >= ASKED.length; bytes -= ASKED.length) socket.write(ANSWERED)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** A client with one frame on its way at a time. */
class Asking {
  trips = 0
  stopped = false
  private bytes = 0
  private readonly socket: Socket

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => {
      for (this.bytes += chunk.length; this.bytes >= ANSWERED.length; this.bytes -= ANSWERED.length) {
        this.trips++
        if (!this.stopped) this.ask()
      }
    })
  }

  ask(): void {
    this.socket.write(ASKED)
  }
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true)
  socket.write(handshake('/small'))
  let head = ''
  while (!head.includes('\r\n\r\n')) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    head += chunk.toString('latin1')
  }
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`no tunnel: ${head.slice(0, 200)}`)
  return socket
}

/** Round trips over `connections` tunnels, from `begin` on for `ms`. */
export class Load {
  private readonly clients: Asking[] = []
  private readonly sockets: Socket[] = []

  async open(port: number, connections: number): Promise<void> {
    for (let i = 0; i < connections; i++) {
      const socket = await open(port)
      this.sockets.push(socket)
      this.clients.push(new Asking(socket))
    }
  }

  async run(ms: number): Promise<number> {
    const before = this.trips
    for (const client of this.clients) {
      client.stopped = false
      client.ask()
    }
    await new Promise((resolve) => setTimeout(resolve, ms))
    for (const client of this.clients) client.stopped = true
    await new Promise((resolve) => setTimeout(resolve, 50))
    return this.trips - before
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  private get trips(): number {
    return this.clients.reduce((sum, { trips }) => sum + trips, 0)
  }
}
