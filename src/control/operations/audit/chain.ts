import { createHash } from 'node:crypto'

/** What the very first line contains in place of a hash. */
export const GENESIS: string = '0'.repeat(64)

/** Where the chain ends: number and hash of its last line. */
export interface ChainLink {
  /** 0: there is no line yet. */
  readonly number: number
  /** SHA-256 of the line without its line feed, hex. */
  readonly hash: string
}

/** What every line has, whatever else is in it. */
export interface Chained {
  /** From 1 on, without gaps. */
  readonly number: number
  /** RFC 3339. */
  readonly time: string
  /** Hash of the line before. */
  readonly previous: string
}

export const START: ChainLink = { number: 0, hash: GENESIS }

/** The line that follows `last`, without its line feed, and the link that it is. `wall`: milliseconds since the epoch. */
export function chainedLine(
  entry: object,
  last: ChainLink,
  wall: number,
): { readonly line: string; readonly link: ChainLink } {
  const number = last.number + 1
  const line = JSON.stringify({ number, time: new Date(wall).toISOString(), ...entry, previous: last.hash })
  return { line, link: { number, hash: hashOf(line) } }
}

/** undefined: it is no line of an audit log. */
export function readChained(line: string): (Chained & Readonly<Record<string, unknown>>) | undefined {
  try {
    const value = JSON.parse(line) as Partial<Chained> | null
    const whole =
      typeof value?.number === 'number' && typeof value.previous === 'string' && typeof value.time === 'string'
    return whole ? (value as Chained & Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}

/** Why `line` cannot follow `last`; undefined: it does. */
export function brokenLink(line: string, last: ChainLink): string | undefined {
  const entry = readChained(line)
  if (entry === undefined) return 'it is no entry of an audit log'
  if (entry.number !== last.number + 1) return `it is number ${entry.number}; ${last.number + 1} was due`
  if (entry.previous !== last.hash) return 'the line before it is not the one that it was written after'
  return undefined
}

export function hashOf(line: string | Uint8Array): string {
  return createHash('sha256').update(line).digest('hex')
}
