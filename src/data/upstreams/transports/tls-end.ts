import type { Socket } from 'node:net'

/** Of node's handle of a TLS socket: that of the TCP connection below it. */
interface TlsHandle {
  /** false: Sluice has paused it. */
  readonly reading: boolean
  readonly _parent?: { readStart(): number }
}

/**
 * Calls `cut` when the peer's side of a TLS socket ends without close_notify: by a FIN that any host on the path may have
 * sent, so that a body without a length is not known to be whole (RFC 9112 section 9.8). Node reports both ends alike, by
 * `push(null)`, within the read that brought it. A FIN has stopped the handle below by then, which so starts once more;
 * behind a close_notify it still reads, or was paused and so can have seen no FIN.
 */
export function watchForCut(socket: Socket, cut: () => void): void {
  const { push } = socket
  socket.push = (chunk, encoding) => {
    if (chunk === null) {
      const { _handle: handle } = socket as unknown as { _handle: TlsHandle | null }
      if (handle?.reading === true && handle._parent?.readStart() === 0) cut()
    }
    return push.call(socket, chunk, encoding)
  }
}
