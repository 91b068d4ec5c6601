import type { Socket } from 'node:net'
import { divert, type Take } from '../accept/divert.ts'
import type { Incoming } from './messages.ts'

/** A part of node's parser that is not public: there is no other way to stop the server between two requests. */
interface NodeParser {
  /** What it returns is llhttp's answer to `on_headers_complete`. */
  onIncoming(req: Incoming, keepAlive: boolean): number
  resume(): void
}

type ParsedSocket = Socket & { readonly parser: NodeParser | null }

/** llhttp's `HPE_PAUSED` as the answer to a complete head: what is behind it in the same read is not parsed. */
const PAUSE = 21

/** The code of the error by which node reports that: nothing is wrong, `rawPacket` from `bytesParsed` on is left. */
export const PAUSED = 'HPE_PAUSED'

/** The parser stops behind each head for which `stops` returns true. */
export function stopBehind(socket: Socket, stops: () => boolean): void {
  const { parser } = socket as ParsedSocket
  if (parser === null) return
  const onIncoming = parser.onIncoming
  parser.onIncoming = (req, keepAlive) => {
    const answer = onIncoming(req, keepAlive)
    return stops() ? PAUSE : answer
  }
}

/** No bytes, but with an address: the parser takes a buffer without one for the end of the input. */
const NOTHING = Buffer.from([0]).subarray(1)

function together(chunks: readonly Buffer[]): Buffer {
  if (chunks.length > 1) return Buffer.concat(chunks)
  return chunks[0] ?? NOTHING
}

/** How many bytes are kept behind a request that waits. */
const MAX_BYTES = 65_536

/**
 * What a client sent behind a request that waits for its turn. It is kept as bytes, since 64 KiB of small requests would
 * take megabytes once parsed. The socket is read until that much waits: an unread socket shows neither FIN nor RST, so that
 * a client that leaves would not be noticed.
 */
export class Backlog {
  private readonly socket: ParsedSocket
  private readonly heard: () => void
  private readonly parse: Take | undefined
  private chunks: Buffer[] = []
  private bytes = 0
  private held = true

  /** `heard`: something has come. */
  constructor(socket: Socket, heard: () => void) {
    this.socket = socket as ParsedSocket
    this.heard = heard
    this.parse = divert(socket, (chunk) => this.onData(chunk))
  }

  /** The parser has stopped; `rest` is what it left unparsed. */
  hold(rest: Buffer): void {
    this.held = true
    this.add(rest)
  }

  /** The parser goes on. */
  release(): void {
    const { chunks, socket } = this
    this.held = false
    this.chunks = []
    this.bytes = 0
    socket.parser?.resume()
    socket.resume()
    // Also where nothing waits: only then a request without body is over, and the connection idle.
    this.parse?.(together(chunks))
  }

  private onData(chunk: Buffer): void {
    this.heard()
    if (this.held) this.add(chunk)
    else this.parse?.(chunk)
  }

  private add(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.chunks.push(chunk)
    this.bytes += chunk.length
    if (this.bytes >= MAX_BYTES) this.socket.pause()
  }
}
