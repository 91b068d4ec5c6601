/** Upstreams don't agree on whether these separate segments; a NUL ends the path for some. */
const SEPARATORS = ['%2F', '%5C', '\\']
const NUL = '%00'

/**
 * The other ways in which an upstream may read a path in normal form: escaped slashes, escaped and plain backslashes
 * taken for slashes, the path taken to end at an escaped NUL, and all combinations of these that occur: 15 at most.
 * Undefined: none.
 */
export function readings(path: string): readonly string[] | undefined {
  let found = [path]
  for (const separator of SEPARATORS) {
    if (path.includes(separator)) found = found.concat(found.map((reading) => reading.replaceAll(separator, '/')))
  }
  if (path.includes(NUL)) found = found.concat(found.map((reading) => reading.slice(0, reading.indexOf(NUL))))
  return found.length === 1 ? undefined : found.slice(1)
}
