import type { Clock } from './clock.ts'
import { hex16, hex32 } from './hex.ts'
import type { Random } from './random.ts'

const COUNTER_SEED_BITS = 11
const COUNTER_MAX = 0xfff

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

  constructor(clock: Clock, random: Random) {
    this.clock = clock
    this.random = random
  }

  next(): string {
    const now = this.clock.wall()
    if (now > this.ms) this.startAt(now)
    else if (this.counter === COUNTER_MAX) this.startAt(this.ms + 1)
    else this.counter++
    const high = this.random.uint32()
    return (
      this.prefix +
      hex16(0x7000 | this.counter) +
      '-' +
      hex16(0x8000 | ((high >>> 16) & 0x3fff)) +
      '-' +
      hex16(high & 0xffff) +
      hex32(this.random.uint32())
    )
  }

  private startAt(ms: number): void {
    this.ms = Math.floor(ms)
    this.counter = this.random.uint32() >>> (32 - COUNTER_SEED_BITS)
    // 48 bits do not fit the 32-bit operators.
    const high = Math.floor(this.ms / 65_536)
    this.prefix = `${hex32(high)}-${hex16(this.ms - high * 65_536)}-`
  }
}
