const BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const DIGITS: Uint8Array = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))

/** Four lower-case hex digits of an unsigned 16-bit integer. */
export function hex16(n: number): string {
  return (BYTES[n >>> 8] as string) + BYTES[n & 255]
}

/** Eight lower-case hex digits of a 32-bit integer. */
export function hex32(n: number): string {
  return (BYTES[n >>> 24] as string) + BYTES[(n >>> 16) & 255] + BYTES[(n >>> 8) & 255] + BYTES[n & 255]
}

/** The codes of the last `digits` lower-case hex digits of a 32-bit integer. */
export function writeHex(n: number, digits: number, out: Uint8Array, at: number): void {
  for (let i = digits - 1, rest = n; i >= 0; i--, rest >>>= 4) out[at + i] = DIGITS[rest & 15] as number
}
