import type { Socket } from 'node:net'
import { watchForCut } from './tls-end.ts'

/** What a connection hears of its socket. */
export interface SocketEvents {
  onError(error: Error): void
  /** The peer closed its side. */
  onEnd(): void
  /** It did so by TCP alone, below TLS. */
  onCut(): void
  onDrain(): void
  onClose(socket: Socket): void
  /** Node is about to destroy it. True: not yet. */
  spares(error: NodeJS.ErrnoException | undefined): boolean
}

export function listenTo(socket: Socket, secure: boolean, events: SocketEvents): void {
  socket.on('error', (error) => events.onError(error))
  socket.on('end', () => events.onEnd())
  socket.on('drain', () => events.onDrain())
  socket.on('close', () => events.onClose(socket))
  if (secure) watchForCut(socket, () => events.onCut())
  const { destroy } = socket
  socket.destroy = (error) => (events.spares(error) ? socket : destroy.call(socket, error))
}
