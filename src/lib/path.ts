import { escapeByte, escapedByte, isUnreserved } from './percent.ts'

const DOT = 0x2e
const SLASH = 0x2f
const SEMICOLON = 0x3b
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
 * `..`.
 */
export function hasDotSegment(path: string): boolean {
  for (let i = path.indexOf('/.'); i !== -1; i = path.indexOf('/.', i + 1)) {
    const after = path.charCodeAt(i + 2) === DOT ? i + 3 : i + 2
    if (after === path.length) return true
    const code = path.charCodeAt(after)
    if (code === SLASH || code === SEMICOLON) return true
  }
  return false
}

/**
 * Removes dot segments as RFC 3986, section 5.2.4 does; empty segments count as segments. Undefined where a dot segment
 * has parameters: nobody knows how the upstream reads it.
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
    } else if (segment.startsWith('.;') || segment.startsWith('..;')) return undefined
    else kept.push(segment)
  }
  return `/${kept.join('/')}`
}
