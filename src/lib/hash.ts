/**
 * MurmurHash3, x86, 32 bits: spreads keys evenly and fast; not for secrets. Source: Austin Appleby, MurmurHash3.cpp (public
 * domain).
 *
 * @param text a byte string: latin1, one character per byte
 * @returns an unsigned 32-bit integer
 */
export function murmur3(text: string, seed = 0): number {
  const blocks = text.length & ~3
  let h = seed | 0
  for (let i = 0; i < blocks; i += 4) {
    const k = byte(text, i) | (byte(text, i + 1) << 8) | (byte(text, i + 2) << 16) | (byte(text, i + 3) << 24)
    h ^= scramble(k)
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let i = text.length - 1; i >= blocks; i--) tail = (tail << 8) | byte(text, i)
  if (blocks < text.length) h ^= scramble(tail)
  return mix32(h ^ text.length)
}

/** Spreads the bits of a 32-bit integer; different integers stay different. The finalizer of MurmurHash3. */
export function mix32(n: number): number {
  let h = n ^ (n >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

function byte(text: string, i: number): number {
  return text.charCodeAt(i) & 0xff
}

function scramble(k: number): number {
  const product = Math.imul(k, 0xcc9e2d51)
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593)
}

/** FNV-1a (Fowler, Noll, Vo) of the text and a number, finished by murmur3's avalanche, as a fraction of 1. */
export function fractionOf(text: string, number: number): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ number, 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 4_294_967_296
}
