import { nextTick } from 'node:process'
import type { Duplex } from 'node:stream'
import type { Downstream } from '../../../core/downstream.ts'
import { isField, isLength, saysStream, trailerLines } from '../../../http/wire/sendable.ts'
import type { Follower } from '../../../lib/event-clock.ts'
import { type FlatHeaders, isNamed } from '../../../lib/headers.ts'
import { COPIED_BYTES } from '../../../lib/pieces.ts'
import { CHUNKED, EARLY_BYTES, TO_THE_END } from '../common/client-request.ts'
import { IncomingBody } from './incoming-body.ts'

/** Parts of a body up to this size are text, in one piece with what comes before and behind them. */
const TEXT_BYTES = 512
/** The same for chunks that come with the head: so their framing and their end go out with them. */
const SMALL_BYTES = 8_192
const NOTHING = Buffer.alloc(0)

/** A request that was read from a socket, and its answer. */
export class Http1Downstream extends IncomingBody implements Downstream, Follower {
  /** What goes out next: in the turn of the head all that is small is written in one piece. */
  private out = ''
  /** Trailers that were given. */
  private trailing = ''
  private wantsDrain = false
  private switched = false

  informational(status: number, headers: FlatHeaders): void {
    if (!this.takesInformation(status) || this.socket.writableLength > EARLY_BYTES) return
    const text = this.connection.heads.informational(status, headers)
    if (text !== undefined) this.socket.write(text, 'latin1')
  }

  head(status: number, headers: FlatHeaders): boolean {
    if (this.over || this.headSent) return true
    if (status === 101) return this.switchProtocols(headers)
    const { heads } = this.connection
    const old = this.protocol === 'HTTP/1.0'
    const bodiless = this.bodiless || status === 204 || status === 304
    let due = old ? TO_THE_END : CHUNKED
    let text = heads.statusLine(status)
    let dated = false
    let openEnded = false
    let trailer = ''
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string
      const value = headers[i + 1] as string
      if (!isField(name, value)) return false
      switch (name.length) {
        case 4:
          dated ||= isNamed(name, 'date')
          break
        case 7:
          if (isNamed(name, 'trailer')) {
            trailer += `${name}: ${value}\r\n`
            continue
          }
          break
        case 12:
          openEnded ||= saysStream(name, value)
          break
        case 14:
          if (isNamed(name, 'content-length')) {
            if (due >= 0 || !isLength(value)) return false
            due = Number(value)
            // RFC 9110, section 8.6: 204 has none.
            if (status === 204) continue
          }
          break
        case 17:
          if (isNamed(name, 'transfer-encoding')) return false
      }
      // biome-ignore lint/style/useTemplate: a template calls ToString for each of its parts
      text += name + ': ' + value + '\r\n'
    }
    if (this.connection.draining || this.body?.isLeftBy(status) || (old && due < 0)) this.keepsConnection = false
    // RFC 9110, section 6.6.2: Trailer means nothing where none can follow.
    if (due === CHUNKED && !bodiless) text += `${trailer}Transfer-Encoding: chunked\r\n`
    this.out = text + heads.end(dated, this.keepsConnection)
    this.bodiless = bodiless
    this.due = bodiless ? 0 : due
    this.openEnded = openEnded
    this.headSent = true
    this.fresh = true
    if (!this.keepsConnection)
      this.connection.closing(this.asksToClose && (this.body === undefined || this.body.complete))
    this.follow()
    return true
  }

  /**
   * Only a request that is whole can be followed by another protocol; and what came behind it could not be put back in front
   * of an end that was read.
   */
  private switchProtocols(headers: FlatHeaders): boolean {
    const { connection } = this
    if (this.body !== undefined || this.protocol === 'HTTP/1.0' || connection.halfClosed) return false
    const text = connection.heads.informational(101, ['Connection', 'Upgrade', ...headers])
    if (text === undefined) return false
    this.socket.write(text, 'latin1')
    this.headSent = true
    this.switched = true
    this.keepsConnection = false
    this.due = TO_THE_END
    connection.closing(false)
    return true
  }

  override tunnel(): Duplex {
    return this.switched && !this.over ? this.connection.handOver() : super.tunnel()
  }

  /** `onTurn` is called behind the event that is being handled. */
  private follow(): void {
    if (!this.connection.clock.follow(this)) nextTick(onTurn, this)
  }

  /** @internal What was given in the turn of the head goes out now: neither it nor the head waits for what follows. */
  onTurn(): void {
    this.fresh = false
    if (this.over) return
    this.flush()
    if (this.ended) this.settle()
  }

  get borrows(): number {
    return COPIED_BYTES
  }

  get keeps(): boolean {
    return this.socket.writableLength > 0
  }

  write(chunk: Buffer): boolean {
    const { length } = chunk
    if (!this.takes(length)) return true
    const chunked = this.due === CHUNKED
    if (chunked) this.out += `${length.toString(16)}\r\n`
    if (length <= TEXT_BYTES || (chunked && this.fresh && length <= SMALL_BYTES)) {
      this.out += chunk.toString('latin1')
      if (chunked) this.out += '\r\n'
      if (this.fresh && this.out.length <= 2 * SMALL_BYTES) return true
      return this.room(this.flush())
    }
    if (length <= COPIED_BYTES) {
      const { out } = this
      this.out = ''
      return this.room(this.connection.heads.pieces.write(this.socket, out, chunk, chunked ? '\r\n' : ''))
    }
    if (this.out === '' && !chunked) return this.room(this.socket.write(chunk))
    const { socket } = this
    socket.cork()
    this.flush()
    let room = socket.write(chunk)
    if (chunked) room = socket.write('\r\n', 'latin1')
    socket.uncork()
    return this.room(room)
  }

  trailers(headers: FlatHeaders): void {
    if (!this.takesTrailers) return
    this.trailing += trailerLines(headers)
  }

  end(): void {
    if (!this.ends()) return
    if (this.due === CHUNKED && !this.bodiless) this.out += `0\r\n${this.trailing}\r\n`
    if (this.fresh) return
    this.flush()
    this.follow()
  }

  closeAfter(): void {
    if (!this.headSent) this.keepsConnection = false
  }

  get gone(): boolean {
    return this.over || this.flushed || this.socket.destroyed
  }

  /** There is room again. */
  private onDrain(): void {
    if (!this.wantsDrain || this.over || this.ended) return
    this.wantsDrain = false
    this.events?.onDrain()
  }

  /** @internal The connection is gone. */
  onLost(): void {
    if (this.flushed) {
      this.body?.leave()
      return
    }
    if (!this.over) this.lose()
  }

  /** The operating system has all that was written, or is asked to say when. */
  private settle(): void {
    if (this.over || this.flushed || this.socket.destroyed) return
    if (this.socket.writableLength > 0) this.socket.write(NOTHING, () => this.onFlushed())
    else this.tellSent()
  }

  private onFlushed(): void {
    if (!this.over && !this.flushed && !this.socket.destroyed) this.tellSent()
  }

  private tellSent(): void {
    this.flushed = true
    this.discardBody()
    this.events?.onSent()
    this.connection.answered(this)
  }

  /** @internal Writes what waits for the end of the turn. */
  flush(): boolean {
    const { out } = this
    if (out === '') return true
    this.out = ''
    return this.socket.write(out, 'latin1')
  }

  private room(room: boolean): boolean {
    if (!room && !this.wantsDrain) {
      this.wantsDrain = true
      this.socket.once('drain', () => this.onDrain())
    }
    return room
  }
}

function onTurn(downstream: Http1Downstream): void {
  downstream.onTurn()
}
