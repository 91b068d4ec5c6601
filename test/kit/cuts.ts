/** Where `length` octets are cut into pieces of `size`. */
export function cutsEvery(size: number, length: number): number[] {
  const cuts: number[] = []
  for (let at = size; at < length; at += size) cuts.push(at)
  return cuts
}
