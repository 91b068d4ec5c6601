import { escapedByte } from './percent.ts'

/**
 * Names and values of a query in turn, decoded as forms are (`+` is a space; an invalid escape stands for itself), as byte
 * strings.
 *
 * @param query with its leading `?`, or empty
 */
export function parseQuery(query: string): readonly string[] {
  const pairs: string[] = []
  for (let from = 1; from < query.length; ) {
    const ampersand = query.indexOf('&', from)
    const end = ampersand === -1 ? query.length : ampersand
    if (end > from) {
      const equals = query.indexOf('=', from)
      const split = equals === -1 || equals > end ? end : equals
      pairs.push(decode(query.slice(from, split)), decode(query.slice(split + 1, Math.max(end, split + 1))))
    }
    from = end + 1
  }
  return pairs
}

function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text
  let out = ''
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char !== '%' && char !== '+') continue
    const byte = char === '+' ? 0x20 : escapedByte(text, i)
    if (byte < 0) continue
    out += text.slice(from, i) + String.fromCharCode(byte)
    if (char === '%') i += 2
    from = i + 1
  }
  return out + text.slice(from)
}
