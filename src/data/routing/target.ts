import type { Reason } from '../../core/failures.ts'
import { hasDotSegment, normalEscapes, removeDotSegments } from '../../lib/path.ts'
import { readings } from './readings.ts'

/** A request target in normal form. */
export interface NormalTarget {
  /** Starts with `/`; unreserved characters bare, other escapes in upper case. Or `*`. */
  readonly path: string
  /** With the leading `?`, or empty; byte for byte as sent. */
  readonly query: string
  /** What goes to the upstream: byte for byte as sent wherever every reader sees the normal form in it. */
  readonly forward: string
  /** Other ways in which an upstream may read the path; undefined: none. They must lead to the same route. */
  readonly readings: readonly string[] | undefined
}

/** Why a target is not served. `detail` is safe to show. */
export interface RefusedTarget {
  readonly reason: Extract<Reason, 'bad_request' | 'ambiguous_path'>
  readonly detail: string
}

export function isRefusedTarget(target: NormalTarget | RefusedTarget): target is RefusedTarget {
  return 'reason' in target
}

const SPACE = 0x20
const HASH = 0x23
const PERCENT = 0x25
const DOT = 0x2e
const SLASH = 0x2f
const QUESTION = 0x3f
const BACKSLASH = 0x5c
const DELETE = 0x7f

const NO_SLASH: RefusedTarget = { reason: 'bad_request', detail: 'The target must start with a slash.' }
const BAD_BYTE: RefusedTarget = {
  reason: 'bad_request',
  detail: 'The target holds a control character, a space or a fragment.',
}
const BAD_ESCAPE: RefusedTarget = { reason: 'bad_request', detail: 'The path holds an invalid percent-escape.' }
const DOT_SEGMENT: RefusedTarget = { reason: 'ambiguous_path', detail: 'The path holds a dot segment.' }

/**
 * Brings an origin-form target to the normal form that routes are matched on. What was matched is what is forwarded: the
 * raw target goes on only if its normal form differs from it at most in the case of escapes or in decoded unreserved
 * characters other than the dot; else the normal form does. Bytes above 0x7F, which no URI may hold, are escaped. Empty
 * segments stay. The query is only checked for characters that no request line may hold, and never changed.
 *
 * @param dots what is done with dot segments, plain or escaped: `refuse`, or `normalise` (RFC 3986, section 5.2.4).
 */
export function normaliseTarget(target: string, dots: 'refuse' | 'normalise'): NormalTarget | RefusedTarget {
  if (target.charCodeAt(0) !== SLASH) {
    return target === '*' ? { path: '*', query: '', forward: '*', readings: undefined } : NO_SLASH
  }
  const { length } = target
  let end = 1
  let previous = SLASH
  for (; end < length; end++) {
    const code = target.charCodeAt(end)
    if (code === QUESTION) break
    // Everything that may need work; `!`, `"` and dot files come along, harmlessly.
    if (code <= PERCENT || code >= DELETE || code === BACKSLASH || (code === DOT && previous === SLASH)) {
      return normaliseSlowly(target, dots)
    }
    previous = code
  }
  if (end === length) return { path: target, query: '', forward: target, readings: undefined }
  if (!isClean(target, end)) return BAD_BYTE
  return { path: target.slice(0, end), query: target.slice(end), forward: target, readings: undefined }
}

function normaliseSlowly(target: string, dots: 'refuse' | 'normalise'): NormalTarget | RefusedTarget {
  if (!isClean(target, 0)) return BAD_BYTE
  const mark = target.indexOf('?')
  const raw = mark === -1 ? target : target.slice(0, mark)
  const query = target.slice(raw.length)
  const escaped = normalEscapes(raw)
  if (escaped === undefined) return BAD_ESCAPE
  const hasDots = hasDotSegment(escaped)
  const path = !hasDots ? escaped : dots === 'normalise' ? removeDotSegments(escaped) : undefined
  if (path === undefined) return DOT_SEGMENT
  const others = readings(path)
  if (others?.some(hasDotSegment)) return DOT_SEGMENT
  const forward = hasDots || isReadDifferently(raw) ? path + query : target
  return { path, query, forward, readings: others }
}

/** Whether servers differ on what it is the same as: an escaped dot, a byte above 0x7F. */
function isReadDifferently(raw: string): boolean {
  if (raw.includes('%2e') || raw.includes('%2E')) return true
  for (let i = 0; i < raw.length; i++) if (raw.charCodeAt(i) > DELETE) return true
  return false
}

function isClean(target: string, from: number): boolean {
  for (let i = from; i < target.length; i++) {
    const code = target.charCodeAt(i)
    if (code <= SPACE || code === HASH || code === DELETE) return false
  }
  return true
}
