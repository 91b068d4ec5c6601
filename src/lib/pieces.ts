import type { Duplex } from 'node:stream'

/** Longest part that is copied; a longer one goes out from where it stands, behind what comes before it. */
export const COPIED_BYTES = 16_384
/** Room for a usual head beside it. */
const PIECE_BYTES = 20_480

/**
 * Makes one piece of text and octets, so that one plain write takes both to the system: as a string they would be copied
 * three times more, as a list of buffers they cost an allocation. One instance belongs to one listener or transport.
 */
export class Pieces {
  /** undefined: a socket still sends what stands in the latest one. */
  private memory: Buffer | undefined = undefined

  /** Writes `before`, `part` and `after`, and is through with them. Returns what `write` of the socket does. */
  write(socket: Duplex, before: string, part: Buffer, after: string): boolean {
    const length = before.length + part.length + after.length
    // What waits in a socket keeps its memory: no more than it needs.
    const waits = length > PIECE_BYTES || socket.writableLength > 0
    // Over TLS a piece is in use until the turn ends, however soon it is sent: one of Node's own pool costs least.
    const own = waits || (socket as { readonly encrypted?: boolean }).encrypted === true
    const piece = waits ? Buffer.allocUnsafeSlow(length) : own ? Buffer.allocUnsafe(length) : this.shared()
    const from = before === '' ? 0 : piece.write(before, 0, 'latin1')
    part.copy(piece, from)
    if (after !== '') piece.write(after, from + part.length, 'latin1')
    const room = socket.write(own ? piece : piece.subarray(0, length))
    if (!own && socket.writableLength > 0) this.memory = undefined
    return room
  }

  private shared(): Buffer {
    this.memory ??= Buffer.allocUnsafeSlow(PIECE_BYTES)
    return this.memory
  }
}
