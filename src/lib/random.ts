import { randomFillSync } from 'node:crypto'

/** The only source of randomness. Passed as an argument everywhere, so that a run can be repeated from its seed. */
export interface Random {
  /** Uniform in [0, 1). */
  float(): number
  /** Uniform 32-bit unsigned integer. */
  uint32(): number
}

const POOL_WORDS = 2048

/** Randomness of the operating system, read in pools of 8 KiB: IDs and traces made from it cannot be guessed. */
export function systemRandom(): Random {
  const pool = new Uint32Array(POOL_WORDS)
  let next = POOL_WORDS
  const uint32 = (): number => {
    if (next === POOL_WORDS) {
      randomFillSync(pool)
      next = 0
    }
    return pool[next++] as number
  }
  return { uint32, float: () => uint32() / 4_294_967_296 }
}

/** Repeatable randomness: mulberry32 (Tommy Ettinger, public domain). For tests, drills and simulations only. */
export function seededRandom(seed: number): Random {
  let a = seed >>> 0
  const uint32 = (): number => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  return { uint32, float: () => uint32() / 4_294_967_296 }
}
