import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Ends a connection so that the other end sees that it is broken: by a reset, where the stream has one. */
export function resetStream(stream: Duplex & Partial<Pick<Socket, 'resetAndDestroy'>>): void {
  // Only TCP itself has resets: sockets of TLS and of a path throw (26.10), other streams have no such method.
  try {
    if (stream.resetAndDestroy !== undefined) stream.resetAndDestroy()
    else stream.destroy()
  } catch {
    stream.destroy()
  }
}
