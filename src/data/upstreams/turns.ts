import { IpReader } from '../../lib/ip.ts'

/** A request of a pool, as far as it matters whose turn it is. */
export interface InTurn {
  /** See {@link shareOf}. */
  readonly share: string
  /** Its client has not sent all of its body yet. */
  readonly uploads: boolean
}

/**
 * Who shares a client's part of what others wait for: its address, of IPv6 the first 64 bits, which one household or host has to
 * itself (RFC 6177).
 */
export function shareOf(address: string): string {
  if (!address.includes(':')) return address
  const reader = new IpReader()
  if (reader.read(address) !== 6) return address
  const [a, b] = reader.words
  return `${a?.toString(16)}:${b?.toString(16)}`
}

/**
 * Whose turn it is: of those that wait the client that has the fewest requests under way, and of its requests the first one. So no
 * client has more than its share as long as others wait. `uploads`: one whose body is still to come may begin.
 */
export function nextTurn<T extends InTurn>(
  waiting: Iterable<T>,
  busy: Iterable<InTurn>,
  uploads: boolean,
): T | undefined {
  const firsts = new Map<string, T>()
  for (const turn of waiting) if ((uploads || !turn.uploads) && !firsts.has(turn.share)) firsts.set(turn.share, turn)
  const [only] = firsts.values()
  if (firsts.size <= 1) return only
  const held = new Map<string, number>()
  for (const { share } of busy) if (firsts.has(share)) held.set(share, (held.get(share) ?? 0) + 1)
  let next: T | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const [share, turn] of firsts) {
    const count = held.get(share) ?? 0
    if (count >= fewest) continue
    fewest = count
    next = turn
  }
  return next
}

/** Which request leaves a line that is too long by one: the latest of the client with the most, or the last one if its client has as many. */
export function leavesLine<T extends InTurn>(waiting: Iterable<T>, last: T): T {
  const lengths = new Map<string, { count: number; latest: T }>()
  for (const turn of waiting) {
    const known = lengths.get(turn.share)
    if (known === undefined) lengths.set(turn.share, { count: 1, latest: turn })
    else {
      known.count++
      known.latest = turn
    }
  }
  let most = lengths.get(last.share)?.count ?? 0
  let leaves = last
  for (const { count, latest } of lengths.values()) {
    if (count <= most) continue
    most = count
    leaves = latest
  }
  return leaves
}

export function uploadsAmong(turns: Iterable<InTurn>): number {
  let count = 0
  for (const { uploads } of turns) if (uploads) count++
  return count
}
