import type { ValueCondition } from '../../../core/config.ts'
import { LinearRegex } from '../../../lib/regex.ts'
import type { MatchClaim } from './claims.ts'

/**
 * Whether a claim takes every request that another one would take: it matches all of them and comes before it. Within one
 * precedence only one rule puts the wider path first: regular expressions come last. False if unknown.
 */
export function takesAll(taker: MatchClaim, other: MatchClaim): boolean {
  if (!methodsCover(taker, other) || !listenersCover(taker, other) || !conditionsCover(taker, other)) return false
  const [above, below] = [taker.route.options.precedence, other.route.options.precedence]
  if (above < below) return false
  if (above === below) return taker.host === other.host && isBeforeRegex(taker, other)
  return hostCovers(taker.host, other.host) && pathCovers(taker, other)
}

function isBeforeRegex({ path: taker }: MatchClaim, { path: other }: MatchClaim): boolean {
  return other.kind === 'regex' && taker.kind === 'segments' && taker.prefix && taker.segments.length === 0
}

function hostCovers(taker: string | undefined, other: string | undefined): boolean {
  if (taker === undefined || taker === other) return true
  if (other === undefined || !taker.startsWith('*.')) return false
  return other.endsWith(taker.slice(1)) && other.length > taker.length - 1
}

function pathCovers({ path: taker }: MatchClaim, { path: other }: MatchClaim): boolean {
  if (taker.kind === 'regex') {
    if (other.kind === 'regex') return taker.source === other.source
    if (other.prefix || other.segments.some((segment) => 'param' in segment)) return false
    const path = other.segments.map((segment) => ('literal' in segment ? segment.literal : ''))
    return new LinearRegex(taker.source).test(`/${path.join('/')}`)
  }
  if (taker.prefix && taker.segments.length === 0) return true
  if (other.kind === 'regex') return false
  const { segments } = taker
  if (taker.prefix ? segments.length > other.segments.length : segments.length !== other.segments.length) return false
  if (!taker.prefix && other.prefix) return false
  return segments.every((segment, i) => {
    const theirs = other.segments[i] as (typeof segments)[number]
    if ('literal' in segment) return 'literal' in theirs && theirs.literal === segment.literal
    // A parameter is never empty.
    return 'param' in theirs || theirs.literal !== ''
  })
}

function methodsCover({ conditions: taker }: MatchClaim, { conditions: other }: MatchClaim): boolean {
  if (taker.methods.length === 0) return true
  const covers = (method: string): boolean =>
    taker.methods.includes(method) || (method === 'HEAD' && taker.methods.includes('GET'))
  // GET includes HEAD, and so does a taker that names GET.
  return other.methods.length > 0 && other.methods.every(covers)
}

function listenersCover({ conditions: taker }: MatchClaim, { conditions: other }: MatchClaim): boolean {
  if (taker.listeners.length === 0) return true
  return other.listeners.length > 0 && other.listeners.every((listener) => taker.listeners.includes(listener))
}

function conditionsCover({ conditions: taker }: MatchClaim, { conditions: other }: MatchClaim): boolean {
  const implied = (wanted: readonly ValueCondition[], given: readonly ValueCondition[]): boolean =>
    wanted.every((one) => given.some((two) => two.name === one.name && implies(two, one)))
  return implied(taker.headers, other.headers) && implied(taker.query, other.query)
}

/** Whether `given` holds only where `wanted` does. */
function implies(given: ValueCondition, wanted: ValueCondition): boolean {
  if (given.op === wanted.op && given.value === wanted.value) return true
  if (given.op === 'absent' || wanted.op === 'absent') return false
  if (wanted.op === 'present') return true
  if (given.op === 'prefix' || given.op === 'suffix' || given.op === 'contains')
    return given.op === wanted.op ? holds(wanted, given.value) : wanted.op === 'contains' && holds(wanted, given.value)
  return given.op === 'exact' && wanted.op !== 'regex' && holds(wanted, given.value)
}

function holds({ op, value }: ValueCondition, text: string): boolean {
  if (op === 'prefix') return text.startsWith(value)
  if (op === 'suffix') return text.endsWith(value)
  return op === 'contains' ? text.includes(value) : text === value
}
