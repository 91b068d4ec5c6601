import type { Random } from '../../src/lib/random.ts'

/** How a frame is written; the longest spelling of a length is allowed, and so is a wrong one. */
export interface WrittenFrame {
  readonly opcode: number
  readonly payload: Buffer
  /** Default: true. */
  readonly fin?: boolean
  /** Bits RSV1 to RSV3. */
  readonly reserved?: number
  readonly mask?: Buffer
  /** Bytes that spell the length; default: the fewest. */
  readonly extended?: 0 | 2 | 8
}

/** The bytes of a frame. */
export function written({ opcode, payload, fin = true, reserved = 0, mask, extended }: WrittenFrame): Buffer {
  const { length } = payload
  const size = extended ?? (length < 126 ? 0 : length < 65_536 ? 2 : 8)
  const spelled = Buffer.alloc(size)
  if (size === 2) spelled.writeUInt16BE(length)
  if (size === 8) spelled.writeBigUInt64BE(BigInt(length))
  const short = size === 0 ? length : size === 2 ? 126 : 127
  const head = Buffer.from([(fin ? 0x80 : 0) | (reserved << 4) | opcode, (mask ? 0x80 : 0) | short])
  const body = mask === undefined ? payload : payload.map((byte, i) => byte ^ (mask[i & 3] as number))
  return Buffer.concat([head, spelled, mask ?? Buffer.alloc(0), body])
}

/** A frame as the simplest reader finds it in bytes that are all there: offsets of its first byte, payload and end. */
export interface ReadFrame {
  readonly opcode: number
  readonly fin: boolean
  readonly start: number
  readonly payload: number
  /** Behind it; it may lie behind the end of the bytes. */
  readonly end: number
  readonly mask: Buffer | undefined
}

/** All frames whose header is whole. */
export function readFrames(bytes: Buffer): ReadFrame[] {
  const frames: ReadFrame[] = []
  let start = 0
  while (start + 2 <= bytes.length) {
    const [first = 0, second = 0] = bytes.subarray(start)
    let payload = start + 2
    let length = BigInt(second & 127)
    if (length === 126n) payload += 2
    if (length === 127n) payload += 8
    const maskAt = payload
    if (second >= 128) payload += 4
    if (payload > bytes.length) break
    if (length === 126n) length = BigInt(bytes.readUInt16BE(start + 2))
    else if (length === 127n) length = bytes.readBigUInt64BE(start + 2)
    const mask = second >= 128 ? bytes.subarray(maskAt, payload) : undefined
    const end = payload + Number(length)
    frames.push({ opcode: first & 15, fin: first >= 128, start, payload, end, mask })
    start = end
  }
  return frames
}

/** The payload of a frame that is whole, unmasked. */
export function payloadOf(bytes: Buffer, { payload, end, mask }: ReadFrame): Buffer {
  const masked = bytes.subarray(payload, end)
  return mask === undefined ? masked : Buffer.from(masked.map((byte, i) => byte ^ (mask[i & 3] as number)))
}

/** Bytes cut at random places. */
export function cutAtRandom(bytes: Buffer, random: Random, longest: number): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + (random.uint32() % longest)
    chunks.push(bytes.subarray(at, end))
    at = end
  }
  return chunks
}

/** A frame of any kind, well formed or not, whose length is true. */
export function anyFrame(random: Random): WrittenFrame {
  const most = [0, 2, 10, 125, 126, 127, 300, 65_535, 65_536, 70_000][random.uint32() % 10] as number
  const length = random.uint32() % 4 === 0 ? most : random.uint32() % 140
  const payload = Buffer.alloc(length, random.uint32())
  const extended = length < 126 ? ([0, 2, 8] as const)[random.uint32() % 3] : length < 65_536 ? 2 : 8
  const mask = Buffer.alloc(4)
  mask.writeUInt32BE(random.uint32())
  return {
    opcode: random.uint32() % 16,
    fin: random.uint32() % 2 === 0,
    reserved: random.uint32() % 8,
    payload,
    ...(random.uint32() % 2 === 0 && { mask }),
    ...(random.uint32() % 3 === 0 && extended !== undefined && { extended }),
  }
}
