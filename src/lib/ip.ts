/**
 * IP addresses as four 32-bit words, big end first. IPv4 fills only the last word; an IPv4-mapped IPv6 address
 * (RFC 4291, section 2.5.5.2) counts as the IPv4 address that it carries.
 */
export type IpFamily = 0 | 4 | 6

const DOT = 46
const COLON = 58
const ZERO = 48
const NINE = 57

/** Dotted decimal without leading zeros (they are octal to some readers), as an unsigned integer; -1: none. */
function parseIpv4(text: string, start: number, end: number): number {
  let value = 0
  let part = -1
  let dots = 0
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code >= ZERO && code <= NINE) {
      if (part === 0) return -1
      part = (part === -1 ? 0 : part * 10) + code - ZERO
      if (part > 255) return -1
    } else if (code === DOT && part !== -1 && dots < 3) {
      value = value * 256 + part
      part = -1
      dots++
    } else return -1
  }
  return dots === 3 && part !== -1 ? value * 256 + part : -1
}

function hexDigit(code: number): number {
  if (code >= ZERO && code <= NINE) return code - ZERO
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** RFC 4291, section 2.2, all three forms. Writes the groups after `::` from the right. */
function parseIpv6(text: string, start: number, end: number, groups: Uint16Array): boolean {
  groups.fill(0)
  let count = 0
  let gap = -1
  let i = start
  if (end - start >= 2 && text.charCodeAt(i) === COLON && text.charCodeAt(i + 1) === COLON) {
    gap = 0
    i += 2
  }
  while (i < end) {
    if (count === 8) return false
    let group = 0
    const first = i
    for (; i < end && i - first < 4; i++) {
      const digit = hexDigit(text.charCodeAt(i))
      if (digit === -1) break
      group = group * 16 + digit
    }
    if (i < end && text.charCodeAt(i) === DOT) {
      const tail = count <= 6 ? parseIpv4(text, first, end) : -1
      if (tail === -1) return false
      groups[count++] = Math.floor(tail / 65_536)
      groups[count++] = tail % 65_536
      i = end
      break
    }
    if (i === first) return false
    groups[count++] = group
    if (i === end) break
    if (text.charCodeAt(i) !== COLON || ++i === end) return false
    if (text.charCodeAt(i) === COLON) {
      if (gap !== -1) return false
      gap = count
      i++
    }
  }
  if (gap === -1) return count === 8
  if (count === 8) return false
  groups.copyWithin(8 - (count - gap), gap, count)
  groups.fill(0, gap, 8 - (count - gap))
  return true
}

/** Reads addresses into its own words, so that a check allocates nothing. One instance belongs to one user. */
export class IpReader {
  readonly words: Uint32Array = new Uint32Array(4)
  private readonly groups = new Uint16Array(8)

  /** The family, or 0 where `text.slice(start, end)` is no address. */
  read(text: string, start = 0, end = text.length): IpFamily {
    const { words, groups } = this
    const v4 = parseIpv4(text, start, end)
    if (v4 !== -1) {
      words.fill(0, 0, 3)
      words[3] = v4
      return 4
    }
    if (end - start > 45 || !parseIpv6(text, start, end, groups)) return 0
    for (let i = 0; i < 4; i++) words[i] = (groups[2 * i] as number) * 65_536 + (groups[2 * i + 1] as number)
    if (words[0] !== 0 || words[1] !== 0 || words[2] !== 0xffff) return 6
    words[2] = 0
    return 4
  }

  /** The address just read, in its one canonical form (RFC 5952). */
  text(family: 4 | 6): string {
    const { words, groups } = this
    if (family === 4) {
      const v4 = words[3] as number
      return `${v4 >>> 24}.${(v4 >>> 16) & 255}.${(v4 >>> 8) & 255}.${v4 & 255}`
    }
    const { at, length } = longestZeros(groups)
    let text = ''
    for (let i = 0; i < 8; i++) {
      if (i === at) {
        text += '::'
        i += length - 1
      } else text += (i === 0 || text.endsWith(':') ? '' : ':') + (groups[i] as number).toString(16)
    }
    return text
  }
}

function longestZeros(groups: Uint16Array): { at: number; length: number } {
  let at = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (i + run < 8 && groups[i + run] === 0) run++
    if (run > length) {
      at = i
      length = run
    }
    i += run
  }
  return { at, length }
}

/** The canonical form (RFC 5952; IPv4-mapped as IPv4), or undefined where `text` is no address. */
export function canonicalIp(text: string): string | undefined {
  const reader = new IpReader()
  const family = reader.read(text)
  return family === 0 ? undefined : reader.text(family)
}

/**
 * The one canonical form of an IPv6 address, in which an IPv4-mapped one stays IPv6, in hexadecimal (as URLs have it); undefined
 * where `text` is none.
 */
export function canonicalIpv6(text: string): string | undefined {
  const reader = new IpReader()
  return text.includes(':') && reader.read(text) !== 0 ? reader.text(6) : undefined
}
