import { escapeByte, escapedByte, isUnreserved } from './percent.ts'

/** How these sequences begin. */
const OVERLONG = ['%C0%', '%C1%', '%E0%8', '%F0%80%8']
const SEMICOLON_ESCAPE = '%3B'

const DOT = 0x2e
const SLASH = 0x2f
const SEMICOLON = 0x3b
const BACKSLASH = 0x5c
const PERCENT = 0x25
const DELETE = 0x7f

/**
 * A path (byte string) with its escapes in normal form: unreserved characters bare, other escapes in upper case, bytes
 * above 0x7F escaped. Everything else stays. Undefined where an escape is invalid.
 */
export function normalEscapes(path: string): string | undefined {
  let out = ''
  let from = 0
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (code === PERCENT) {
      const byte = escapedByte(path, i)
      if (byte < 0) return undefined
      out += path.slice(from, i) + (isUnreserved(byte) ? String.fromCharCode(byte) : escapeByte(byte))
      i += 2
      from = i + 1
    } else if (code > DELETE) {
      out += path.slice(from, i) + escapeByte(code)
      from = i + 1
    }
  }
  return from === 0 ? path : out + path.slice(from)
}

/**
 * Whether a path in normal form holds a segment `.` or `..`, with or without parameters: some servers read `..;x` as
 * `..`, behind others that decode `..%3Bx`.
 */
export function hasDotSegment(path: string): boolean {
  for (let i = path.indexOf('/.'); i !== -1; i = path.indexOf('/.', i + 1)) {
    const after = path.charCodeAt(i + 2) === DOT ? i + 3 : i + 2
    if (after === path.length) return true
    const code = path.charCodeAt(after)
    if (code === SLASH || code === SEMICOLON || path.startsWith(SEMICOLON_ESCAPE, after)) return true
  }
  return false
}

/**
 * Removes dot segments as RFC 3986, section 5.2.4 does; empty segments count as segments. Undefined where a dot segment has
 * parameters: how the upstream reads it is unknown.
 */
export function removeDotSegments(path: string): string | undefined {
  const kept: string[] = []
  const segments = path.split('/')
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] as string
    const isLast = i === segments.length - 1
    if (segment === '.' || segment === '..') {
      if (segment === '..') kept.pop()
      if (isLast) kept.push('')
    } else if (hasDotSegment(`/${segment}`)) return undefined
    else kept.push(segment)
  }
  return `/${kept.join('/')}`
}

/** One slash in the place of several in a row. */
export function mergeSlashes(path: string): string {
  let out = ''
  let from = 0
  for (let at = path.indexOf('//'); at !== -1; at = path.indexOf('//', from)) {
    out += path.slice(from, at + 1)
    from = at + 2
    while (path.charCodeAt(from) === SLASH) from++
  }
  return from === 0 ? path : out + path.slice(from)
}

/** One slash at the start, in the place of several. */
export function mergeLeadingSlashes(path: string): string {
  let from = 0
  while (path.charCodeAt(from + 1) === SLASH) from++
  return path.slice(from)
}

/** Every segment without what follows a `;` in it (RFC 3986, section 3.3). */
export function withoutParameters(path: string): string {
  let out = ''
  let from = 0
  for (let at = path.indexOf(';'); at !== -1; at = path.indexOf(';', from)) {
    out += path.slice(from, at)
    from = path.indexOf('/', at)
    if (from === -1) return out
  }
  return from === 0 ? path : out + path.slice(from)
}

/**
 * A path in normal form with ASCII in place of UTF-8 sequences that are too long for it (`%C0%AF` for a slash): RFC 3629,
 * section 3 forbids them, careless decoders accept them.
 */
export function decodeOverlong(path: string): string {
  if (!OVERLONG.some((start) => path.includes(start))) return path
  let out = ''
  let from = 0
  for (let at = path.indexOf('%'); at !== -1; at = path.indexOf('%', at + 3)) {
    const length = overlongLength(path, at)
    if (length === 0) continue
    const last = at + 3 * (length - 1)
    const code = ((escapedByte(path, last - 3) & 1) << 6) | (escapedByte(path, last) & 0x3f)
    const isPlain = isUnreserved(code) || code === SLASH || code === SEMICOLON || code === BACKSLASH
    out += path.slice(from, at) + (isPlain ? String.fromCharCode(code) : escapeByte(code))
    from = last + 3
    at = last
  }
  return from === 0 ? path : out + path.slice(from)
}

/** Bytes of the sequence at `at` that stands for ASCII and takes more than one; 0: none. */
function overlongLength(path: string, at: number): number {
  const first = escapedByte(path, at)
  const length = first === 0xc0 || first === 0xc1 ? 2 : first === 0xe0 ? 3 : first === 0xf0 ? 4 : 0
  for (let i = 1; i < length; i++) {
    if (path.charCodeAt(at + 3 * i) !== PERCENT) return 0
    const byte = escapedByte(path, at + 3 * i)
    // The last byte holds six bits of the character, the one before it at most the seventh, those before it none.
    const most = i === length - 1 ? 0xbf : i === length - 2 ? 0x81 : 0x80
    if (byte < 0x80 || byte > most) return 0
  }
  return length
}
