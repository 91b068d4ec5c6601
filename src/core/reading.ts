/** How a server may read a path otherwise than it is written; bits of {@link Reading.ways}. */
export const Way = {
  /** Several slashes read as one, everywhere or at the start. */
  merged: 1,
  /** Two slashes at the start read as those before a host (RFC 3986, section 4.2). */
  authority: 2,
  /** `;x` dropped. */
  bare: 4,
  /** `%2F` read as a slash. */
  slash: 8,
  /** `\` or `%5C` read as a slash. */
  backslash: 16,
  /** The path ends at `%00`, or goes on without it. */
  nul: 32,
  /** ASCII in UTF-8 sequences that are too long for it. */
  overlong: 64,
} as const

/** A path as some servers read it, other than as it is written. */
export interface Reading {
  readonly path: string
  /** Bits of {@link Way}: how it comes from the path as written. */
  readonly ways: number
}

const WORDS: readonly (readonly [number, string])[] = [
  [Way.merged, 'with merged slashes'],
  [Way.authority, 'with a host after its first slashes'],
  [Way.bare, 'without path parameters'],
  [Way.slash, 'with %2F as a slash'],
  [Way.backslash, 'with a backslash as a slash'],
  [Way.nul, 'with its NUL as its end or left out'],
  [Way.overlong, 'with overlong UTF-8 as ASCII'],
]

/** The ways of a reading, for the client: `with merged slashes and without path parameters`. */
export function readingText({ ways }: Reading): string {
  return WORDS.filter(([way]) => (ways & way) !== 0)
    .map(([, words]) => words)
    .join(' and ')
}
