import type { Reason } from '../../core/failures.ts'
import type { PathPoliciesConfig, PathPolicyConfig } from '../../core/path-policy.ts'
import type { Reading } from '../../core/reading.ts'
import { hasDotSegment, mergeSlashes, normalEscapes, removeDotSegments } from '../../lib/path.ts'
import { readings } from './readings.ts'

/** A request target in normal form. */
export interface NormalTarget {
  /** Starts with `/`; unreserved characters bare, other escapes in upper case. Or `*`. */
  readonly path: string
  /** With the leading `?`, or empty; byte for byte as sent. */
  readonly query: string
  /** What goes to the upstream: byte for byte as sent, if decoding it gives the normal form. */
  readonly forward: string
  /**
   * The path in `forward` where it is not in normal form: a server that matches before it decodes reads that one. It may be
   * forwarded only if it leads to the same route.
   */
  readonly literal: string | undefined
  /** Other ways in which an upstream may read the path; undefined: none. They must lead to the same route. */
  readonly readings: readonly Reading[] | undefined
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
const SLASH = 0x2f
const SEMICOLON = 0x3b
const QUESTION = 0x3f
const BACKSLASH = 0x5c
const DELETE = 0x7f

const NO_SLASH: RefusedTarget = { reason: 'bad_request', detail: 'The target must start with a slash.' }
const BAD_BYTE: RefusedTarget = {
  reason: 'bad_request',
  detail: 'The target holds a control character, a space or a fragment.',
}
const BAD_ESCAPE: RefusedTarget = { reason: 'bad_request', detail: 'The path holds an invalid percent-escape.' }
const ambiguous = (detail: string): RefusedTarget => ({ reason: 'ambiguous_path', detail })
const DOT_SEGMENT = ambiguous('The path holds a dot segment.')
const EMPTY_SEGMENT = ambiguous('The path holds two slashes in a row, which are not accepted here.')
const PARAMETER = ambiguous('The path holds a semicolon, which is not accepted here.')
const TOO_MANY = ambiguous('The path can be read in too many ways.')

/**
 * Brings an origin-form target to the normal form that routes are matched on. What was matched is what is forwarded: the
 * raw target is sent on only if its normal form differs from it at most in the case of escapes or in decoded unreserved
 * characters other than the dot; otherwise the normal form is. Bytes above 0x7F, which no URI may hold, are escaped. The
 * query is only checked for characters that no request line may hold, and never changed.
 *
 * @param listener its name: it may have a policy of its own.
 */
export function normaliseTarget(
  target: string,
  policies: PathPoliciesConfig,
  listener: string,
): NormalTarget | RefusedTarget {
  if (target.charCodeAt(0) !== SLASH) return target === '*' ? asSent('*', '', '*') : NO_SLASH
  const { length } = target
  let end = 1
  let previous = SLASH
  for (; end < length; end++) {
    const code = target.charCodeAt(end)
    if (code === QUESTION) break
    // Everything that may need work; `!`, `"` and dot files are included, harmlessly. The slash is the dot with its last
    // bit.
    if (
      code <= PERCENT ||
      code >= DELETE ||
      code === SEMICOLON ||
      code === BACKSLASH ||
      ((code | 1) === SLASH && previous === SLASH)
    ) {
      return normaliseSlowly(target, policyOf(policies, listener))
    }
    previous = code
  }
  if (end === length) return asSent(target, '', target)
  if (!isClean(target, end)) return BAD_BYTE
  return asSent(target.slice(0, end), target.slice(end), target)
}

function asSent(path: string, query: string, forward: string): NormalTarget {
  return { path, query, forward, literal: undefined, readings: undefined }
}

function policyOf(policies: PathPoliciesConfig, listener: string): PathPolicyConfig {
  return policies.listeners.find((own) => own.listener === listener) ?? policies
}

function normaliseSlowly(target: string, policy: PathPolicyConfig): NormalTarget | RefusedTarget {
  if (!isClean(target, 0)) return BAD_BYTE
  const mark = target.indexOf('?')
  const raw = mark === -1 ? target : target.slice(0, mark)
  const query = target.slice(raw.length)
  const escaped = normalEscapes(raw)
  if (escaped === undefined) return BAD_ESCAPE
  if (policy.slashes === 'refuse' && escaped.includes('//')) return EMPTY_SEGMENT
  if (policy.parameters === 'refuse' && escaped.includes(';')) return PARAMETER
  const merged = policy.slashes === 'merge' ? mergeSlashes(escaped) : escaped
  const hasDots = hasDotSegment(merged)
  const path = !hasDots ? merged : policy.dots === 'normalise' ? removeDotSegments(merged) : undefined
  if (path === undefined) return DOT_SEGMENT
  const others = readings(path, policy)
  if (others === 'too many') return TOO_MANY
  if (others?.some((reading) => hasDotSegment(reading.path))) return DOT_SEGMENT
  const isChanged = hasDots || merged !== escaped || isReadDifferently(raw)
  const literal = isChanged || raw === path ? undefined : raw
  return { path, query, forward: isChanged ? path + query : target, literal, readings: others }
}

/** Whether servers differ in what they read it as: an escaped dot, a byte above 0x7F. */
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
