/** Characters of a path that upstreams don't agree on, as bits. */
export const Doubt = { escapedSlash: 1, escapedBackslash: 2, backslash: 4, escapedNull: 8 } as const

const ALL = 15

/**
 * The other ways in which an upstream may read a path in normal form: escaped slashes, escaped and plain backslashes
 * taken for slashes, the path taken to end at an escaped NUL, and all combinations of these that occur: 15 at most.
 *
 * @param doubts the bits of {@link Doubt} that occur in `path`
 */
export function readings(path: string, doubts: number): readonly string[] {
  const found: string[] = []
  for (let bits = 1; bits <= ALL; bits++) {
    if ((bits & ~doubts) === 0) found.push(read(path, bits))
  }
  return found
}

function read(path: string, bits: number): string {
  let out = path
  if ((bits & Doubt.escapedNull) !== 0) out = out.split('%00', 1)[0] as string
  if ((bits & Doubt.escapedSlash) !== 0) out = out.replaceAll('%2F', '/')
  if ((bits & Doubt.escapedBackslash) !== 0) out = out.replaceAll('%5C', '/')
  if ((bits & Doubt.backslash) !== 0) out = out.replaceAll('\\', '/')
  return out
}
