import { connect, type Socket } from 'node:net'

/** Connections that are made at a time: more than a listening socket queues would wait for a second. */
const AT_ONCE = 100

/**
 * Of slow clients one of so many reads nothing of a large answer; the others send the head of an upload and nothing of its body. Over
 * loopback, what is sent to a client that does not read fills 4 MB of socket buffers, and as much behind the gateway: more
 * readers would take all the memory that the system has for sockets.
 */
const READERS = 22

/** Many slow clients. */
export class Crowd {
  private readonly sockets: Socket[] = []
  private readonly port: number

  constructor(port: number) {
    this.port = port
  }

  async come(clients: number): Promise<void> {
    const readers = Math.round(clients / READERS)
    while (this.sockets.length < clients) {
      const more = Math.min(AT_ONCE, clients - this.sockets.length)
      await Promise.all(Array.from({ length: more }, () => this.stall(this.sockets.length >= readers)))
    }
  }

  leave(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  private stall(sends: boolean): Promise<void> {
    const socket = connect({ host: '127.0.0.1', port: this.port })
    this.sockets.push(socket)
    socket.on('error', () => {})
    if (sends) socket.resume()
    socket.write(
      sends
        ? 'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\n'
        : 'GET /large HTTP/1.1\r\nHost: a.test\r\n\r\n',
    )
    return new Promise((resolve) => void socket.once('connect', resolve).once('close', resolve))
  }
}
