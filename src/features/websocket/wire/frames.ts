import { isSent, NO_CODE } from './closes.ts'

/** Kinds of frames, as metrics tell them apart. `other`: of opcodes that RFC 6455 reserves. */
export const FRAME_KINDS = ['continuation', 'text', 'binary', 'close', 'ping', 'pong', 'other'] as const

/** Index in {@link FRAME_KINDS}, by opcode. */
const KIND_OF: readonly number[] = [0, 1, 2, 6, 6, 6, 6, 6, 3, 4, 5, 6, 6, 6, 6, 6]

const CONTROL = 0x8
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

/** The longest payload of a control frame (RFC 6455, 5.5). */
const LONGEST_CONTROL = 125

/**
 * Where frames begin and end in what one side sends (RFC 6455, 5.2). It reads their heads only: a head is the header or, of a
 * control frame, the whole frame, and one that is split over chunks is kept until it is whole, 138 bytes at most.
 *
 * It judges nothing: the other side does. Reserved bits and opcodes, masks on the wrong side and fragmented control frames have
 * boundaries as any other frame. Only a length beyond 2^53 has none: its frame never ends, for us.
 */
export class FrameReader {
  /** Of the latest frame. */
  opcode = 0
  /** It is the last one of its message. */
  fin = true
  /** Bytes of its payload; Infinity: more than can be counted. */
  length = 0
  /** Bytes of it that are still to come. */
  private left = 0
  private masked = false
  private kept: Buffer | undefined = undefined

  /** Everything so far that is not kept belongs to whole frames. */
  get atBoundary(): boolean {
    return this.left === 0
  }

  get kind(): number {
    return KIND_OF[this.opcode] as number
  }

  get isData(): boolean {
    return this.opcode < CONTROL
  }

  /** The next chunk, behind what was kept of those before it. */
  take(chunk: Buffer): Buffer {
    const { kept } = this
    if (kept === undefined) return chunk
    this.kept = undefined
    return Buffer.concat([kept, chunk])
  }

  /** The head at `at` is not whole. A copy: a part of a chunk holds all of its memory. */
  keep(bytes: Buffer, at: number): void {
    this.kept = Buffer.from(bytes.subarray(at))
  }

  /** What is kept, when nothing more comes. */
  rest(): Buffer | undefined {
    const { kept } = this
    this.kept = undefined
    return kept
  }

  /** The payload from `at` on: returns its end, or that of the chunk. */
  pass(bytes: Buffer, at: number): number {
    const there = bytes.length - at
    if (this.left > there) {
      this.left -= there
      return bytes.length
    }
    const end = at + this.left
    this.left = 0
    return end
  }

  /** Begins the frame at `at`, a boundary: returns the end of its head, or -1 if it is not whole. */
  begin(bytes: Buffer, at: number): number {
    if (bytes.length < at + 2) return -1
    const first = bytes[at] as number
    const second = bytes[at + 1] as number
    const masked = second >= 0x80
    const short = second & 0x7f
    const extended = short < 126 ? 0 : short === 126 ? 2 : 8
    let end = at + 2 + extended + (masked ? 4 : 0)
    if (bytes.length < end) return -1
    let length = short
    if (extended === 2) length = bytes.readUInt16BE(at + 2)
    else if (extended === 8) length = longLength(bytes, at + 2)
    let left = length
    if ((first & CONTROL) !== 0 && length <= LONGEST_CONTROL) {
      left = 0
      end += length
      if (bytes.length < end) return -1
    }
    this.opcode = first & 0xf
    this.fin = first >= 0x80
    this.length = length
    this.left = left
    this.masked = masked
    return end
  }

  /** The code of the Close whose head ends at `end`. */
  closeCode(bytes: Buffer, end: number): number {
    if (this.length < 2 || this.length > LONGEST_CONTROL) return NO_CODE
    const at = end - this.length
    return bytes.readUInt16BE(at) ^ (this.masked ? bytes.readUInt16BE(at - 4) : 0)
  }

  /** Whether the payload of the control frame whose head ends at `end` is these two words. */
  holds(bytes: Buffer, end: number, first: number, second: number): boolean {
    if (this.length !== 8) return false
    const mask = this.masked ? bytes.readUInt32BE(end - 12) : 0
    return (bytes.readUInt32BE(end - 8) ^ mask) >>> 0 === first && (bytes.readUInt32BE(end - 4) ^ mask) >>> 0 === second
  }
}

function longLength(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
  return length <= Number.MAX_SAFE_INTEGER ? length : Number.POSITIVE_INFINITY
}

/** A Close with this code, or, if none may have it, without one. `mask`: towards a server; undefined: towards a client, which takes no masked frames. */
export function closeFrame(code: number, mask: number | undefined): Buffer {
  const payload = Buffer.allocUnsafe(isSent(code) ? 2 : 0)
  if (payload.length > 0) payload.writeUInt16BE(code)
  return controlFrame(CLOSE, payload, mask)
}

/** A Ping whose payload is two words of 32 bits. */
export function pingFrame(first: number, second: number, mask: number | undefined): Buffer {
  const payload = Buffer.allocUnsafe(8)
  payload.writeUInt32BE(first)
  payload.writeUInt32BE(second, 4)
  return controlFrame(PING, payload, mask)
}

function controlFrame(opcode: number, payload: Buffer, mask: number | undefined): Buffer {
  const { length } = payload
  const start = mask === undefined ? 2 : 6
  const frame = Buffer.allocUnsafe(start + length)
  frame[0] = 0x80 | opcode
  frame[1] = length | (mask === undefined ? 0 : 0x80)
  if (mask !== undefined) frame.writeUInt32BE(mask, 2)
  for (let i = 0; i < length; i++)
    frame[start + i] = (payload[i] as number) ^ (mask === undefined ? 0 : (frame[2 + (i & 3)] as number))
  return frame
}
