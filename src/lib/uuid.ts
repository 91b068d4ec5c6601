import type { Clock } from './clock.ts'
import { hex16, hex32, writeHex } from './hex.ts'
import type { Random } from './random.ts'
import { TextBatch } from './text-batch.ts'

const COUNTER_SEED_BITS = 11
const COUNTER_MAX = 0xfff
/** From the third hyphen on: the variant's two bits, and `rand_b`. */
const TAIL = '-8000-000000000000'

/**
 * UUID version 7 (RFC 9562, section 5.7), strictly increasing within one instance: `rand_a` is a counter of fixed length
 * (section 6.2, method 1), reseeded each millisecond with its top bit clear; when it overflows, or when the clock steps
 * back, the timestamp runs ahead of the clock. 62 bits stay random.
 */
export class UuidV7 {
  private readonly clock: Clock
  private readonly random: Random
  private ms = -1
  private counter = 0
  /** Text of `ms`, up to the second hyphen. */
  private prefix = ''
  private readonly tails: TextBatch

  constructor(clock: Clock, random: Random) {
    this.clock = clock
    this.random = random
    this.tails = new TextBatch(TAIL, (out, at) => writeTail(random, out, at))
  }

  next(): string {
    const now = this.clock.wall()
    if (now > this.ms) this.startAt(now)
    else if (this.counter === COUNTER_MAX) this.startAt(this.ms + 1)
    else this.counter++
    return this.prefix + hex16(0x7000 | this.counter) + this.tails.next()
  }

  private startAt(ms: number): void {
    this.ms = Math.floor(ms)
    this.counter = this.random.uint32() >>> (32 - COUNTER_SEED_BITS)
    // 48 bits do not fit the 32-bit operators.
    const high = Math.floor(this.ms / 65_536)
    this.prefix = `${hex32(high)}-${hex16(this.ms - high * 65_536)}-`
  }
}

function writeTail(random: Random, out: Uint8Array, at: number): void {
  const high = random.uint32()
  writeHex(0x8000 | ((high >>> 16) & 0x3fff), 4, out, at + 1)
  writeHex(high, 4, out, at + 6)
  writeHex(random.uint32(), 8, out, at + 10)
}
