/**
 * Orders texts by their bytes in UTF-8, as engines outside JavaScript do. `<` compares UTF-16 units: it puts characters
 * beyond U+FFFF, which are surrogates there, before U+E000 to U+FFFF.
 */
export function byBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x2800 : unit
}
