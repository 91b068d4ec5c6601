import { type IpFamily, IpReader } from './ip.ts'

/** Inclusive bounds, four words each. */
interface Range {
  readonly from: Uint32Array
  readonly to: Uint32Array
}

function compare(a: Uint32Array, b: Uint32Array): number {
  for (let i = 0; i < 4; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/** Of sorted ranges, those that no other range covers. Blocks of CIDR never overlap in part. */
function outermost(sorted: readonly Range[]): Range[] {
  const kept: Range[] = []
  for (const range of sorted) {
    const last = kept.at(-1)
    if (last === undefined || compare(range.to, last.to) > 0) kept.push(range)
  }
  return kept
}

/**
 * Addresses in any of a list of CIDR blocks (RFC 4632, RFC 4291): sorted ranges and binary search, no allocation per check.
 * IPv4 and IPv6 are kept apart: `::/0` does not cover IPv4.
 */
export class CidrSet {
  readonly empty: boolean
  private readonly reader = new IpReader()
  private readonly v4: readonly Range[]
  private readonly v6: readonly Range[]

  /** Throws on text that is no address or block. Bits right of the prefix are ignored. */
  constructor(blocks: readonly string[]) {
    const ranges: Record<4 | 6, Range[]> = { 4: [], 6: [] }
    for (const block of blocks) {
      const { family, range } = this.parse(block)
      ranges[family].push(range)
    }
    // Wider first where two begin at the same address.
    const order = (a: Range, b: Range): number => compare(a.from, b.from) || compare(b.to, a.to)
    this.empty = blocks.length === 0
    this.v4 = outermost(ranges[4].sort(order))
    this.v6 = outermost(ranges[6].sort(order))
  }

  /** False for text that is no address. An IPv6 zone (`%eth0`) is ignored. */
  contains(address: string): boolean {
    if (this.empty) return false
    const zone = address.indexOf('%')
    const family = this.reader.read(address, 0, zone === -1 ? address.length : zone)
    return family !== 0 && this.has(this.reader.words, family)
  }

  /** The same for an address that has been read already. */
  has(words: Uint32Array, family: IpFamily): boolean {
    const ranges = family === 4 ? this.v4 : this.v6
    let low = 0
    let high = ranges.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const range = ranges[middle] as Range
      if (compare(range.to, words) < 0) low = middle + 1
      else if (compare(range.from, words) > 0) high = middle - 1
      else return true
    }
    return false
  }

  private parse(block: string): { family: 4 | 6; range: Range } {
    const slash = block.indexOf('/')
    const family = this.reader.read(block, 0, slash === -1 ? block.length : slash)
    if (family === 0) throw new Error(`not an IP address or CIDR block: ${block}`)
    // The written form decides what the prefix counts: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
    const mapped = family === 4 && block.includes(':')
    const bits = family === 4 ? 32 : 128
    const text = slash === -1 ? '' : block.slice(slash + 1)
    const prefix = slash === -1 ? bits : Number(text) - (mapped ? 96 : 0)
    if (slash !== -1 && !/^\d{1,3}$/.test(text)) throw new Error(`not a prefix length: ${block}`)
    if (prefix < 0 || prefix > bits) throw new Error(`prefix length out of range: ${block}`)
    return { family, range: rangeOf(this.reader.words, prefix + 128 - bits) }
  }
}

function rangeOf(words: Uint32Array, prefix: number): Range {
  const from = new Uint32Array(4)
  const to = new Uint32Array(4)
  for (let i = 0; i < 4; i++) {
    const kept = Math.min(Math.max(prefix - 32 * i, 0), 32)
    // A shift by 32 is a shift by 0 in JavaScript.
    const mask = kept === 0 ? 0 : (0xffff_ffff << (32 - kept)) >>> 0
    from[i] = (words[i] as number) & mask
    to[i] = (words[i] as number) | ~mask
  }
  return { from, to }
}
