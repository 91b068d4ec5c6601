/** The same bytes, in memory of their own if they stand in more than `most` times as much: a part keeps alive all that it stands in. */
export function ownMemory(part: Buffer, most: number): Buffer {
  if (most * part.length >= part.buffer.byteLength) return part
  const copy = Buffer.allocUnsafeSlow(part.length)
  part.copy(copy)
  return copy
}
