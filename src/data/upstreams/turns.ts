import type { HeldCell } from '../../cells/held.ts'
import { IpReader } from '../../lib/ip.ts'
import { HeldLine, type Linked } from './held-line.ts'

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
 * Those that wait for a connection of a pool, in order, and those that have one. The turn is that of the client that has the
 * fewest requests under way, and of its requests the first one that waits: no client has more than its share as long as others wait.
 */
export class Turns<T extends InTurn & Linked<T>> {
  readonly line: HeldLine<T>
  /** Those that have one: a set, since each request joins it. */
  readonly busy = new Set<T>()
  /** Those under way, by share; undefined: no choice among several has been made since the line was empty. */
  private held: Map<string, number> | undefined = undefined

  /** `waiting`: counts them for all pools of an upstream. */
  constructor(waiting?: HeldCell) {
    this.line = new HeldLine(waiting)
  }

  get uploadsWaiting(): number {
    let count = 0
    for (const { uploads } of this.line) if (uploads) count++
    return count
  }

  leave(turn: T): void {
    this.line.remove(turn)
    if (this.line.length === 0) this.held = undefined
  }

  /** One of `busy` more, or less, while others wait. */
  count(turn: T, more: 1 | -1): void {
    if (this.held !== undefined) count(this.held, turn.share, more)
  }

  /** Whose turn it is. `withUploads`: one whose body is still to come may begin. */
  first(withUploads: boolean): T | undefined {
    if (this.line.length === 0) return undefined
    const firsts = new Map<string, T>()
    for (const turn of this.line)
      if ((withUploads || !turn.uploads) && !firsts.has(turn.share)) firsts.set(turn.share, turn)
    const [only] = firsts.values()
    if (firsts.size <= 1) return only
    this.held ??= counted(this.busy)
    let first: T | undefined
    let fewest = Number.POSITIVE_INFINITY
    for (const [share, turn] of firsts) {
      const held = this.held.get(share) ?? 0
      if (held >= fewest) continue
      fewest = held
      first = turn
    }
    return first
  }
}

function counted(turns: Iterable<InTurn>): Map<string, number> {
  const held = new Map<string, number>()
  for (const { share } of turns) count(held, share, 1)
  return held
}

function count(held: Map<string, number>, share: string, more: 1 | -1): void {
  const now = (held.get(share) ?? 0) + more
  if (now === 0) held.delete(share)
  else held.set(share, now)
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
