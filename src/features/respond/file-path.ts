/** Where in a folder a path leads. */
export interface PlaceInFolder {
  /** Relative, without slashes at its ends; empty: the folder itself. */
  readonly path: string
  /** The path of the request ends with a slash: it names a folder. */
  readonly isFolder: boolean
}

/** Longer names exist in no file system. */
const MOST_BYTES = 4096
/** Hidden files are not served, but for the folder of RFC 8615. */
const WELL_KNOWN = '.well-known'

/**
 * The file that a path names, or undefined: none. `path`: percent-encoded, after the prefix that was stripped. Each file has
 * one path: what servers may read in two ways (empty segments, dot segments, an escaped slash or backslash) names none.
 */
export function placeInFolder(path: string): PlaceInFolder | undefined {
  if (path.length > 3 * MOST_BYTES) return undefined
  if (path === '') return { path: '', isFolder: false }
  if (path === '/') return { path: '', isFolder: true }
  const isFolder = path.endsWith('/')
  const segments = path.slice(1, isFolder ? -1 : undefined).split('/')
  const names: string[] = []
  for (const segment of segments) {
    const name = decoded(segment)
    if (name === undefined || !isServed(name, names.length === 0)) return undefined
    names.push(name)
  }
  const joined = names.join('/')
  return Buffer.byteLength(joined) > MOST_BYTES ? undefined : { path: joined, isFolder }
}

/** undefined: an invalid escape, or bytes that are no UTF-8. */
function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

function isServed(name: string, first: boolean): boolean {
  if (name === '' || /[/\\\x00-\x1f\x7f]/.test(name)) return false
  return !name.startsWith('.') || (first && name === WELL_KNOWN)
}
