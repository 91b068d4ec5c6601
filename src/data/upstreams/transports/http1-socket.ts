import type { Socket } from 'node:net'
import { watchForCut } from './tls-end.ts'

/** What a connection hears of its socket. */
export interface SocketEvents {
  /** The peer closed its side. */
  onEnd(): void
  onDrain(): void
  onClose(socket: Socket): void
  /** Node is about to destroy it. True: not yet. */
  spares(error: NodeJS.ErrnoException | undefined): boolean
}

/** How a socket ended. */
export interface SocketFate {
  error: Error | undefined
  /** The peer closed its side by TCP alone, below TLS. */
  cut: boolean
}

export function listenTo(socket: Socket, secure: boolean, events: SocketEvents): SocketFate {
  const fate: SocketFate = { error: undefined, cut: false }
  socket.on('error', (error) => {
    fate.error = error
  })
  socket.on('end', () => events.onEnd())
  socket.on('drain', () => events.onDrain())
  socket.on('close', () => events.onClose(socket))
  if (secure) {
    watchForCut(socket, () => {
      fate.cut = true
    })
  }
  const { destroy } = socket
  socket.destroy = (error) => (events.spares(error) ? socket : destroy.call(socket, error))
  return fate
}
