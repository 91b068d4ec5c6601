import type { Reason } from './failures.ts'

/**
 * Classes that `retries.when`, breakers and fallbacks speak of. A member of `connect`, `reset` or `timeout` is a failure
 * without an answer; a number is the upstream's status.
 */
export type OutcomeClass = 'connect' | 'reset' | 'timeout' | 'ok' | number

/** The verdict on a try at its head: given once, at the response's head or at the failure. */
export interface HeadVerdict {
  readonly outcome: OutcomeClass
  /** The failure, where there was no answer. */
  readonly reason: Reason | undefined
  /** The client or a won hedge ended it: teaches no breaker, but its elapsed time is a sample. */
  readonly ignored: boolean
}

/** How a try ended after its head. */
export type EndVerdict = 'complete' | 'broken_by_upstream' | 'broken_by_us' | 'pending'

const CONNECT: ReadonlySet<Reason> = new Set([
  'connect_refused',
  'connect_failed',
  'connect_timeout',
  'dns_error',
  'tls_error',
])
const RESET: ReadonlySet<Reason> = new Set(['upstream_reset', 'bad_response', 'response_incomplete'])
const TIMEOUT: ReadonlySet<Reason> = new Set([
  'attempt_timeout',
  'deadline_exceeded',
  'deadline_unmeetable',
  'idle_timeout',
  'total_exceeded',
])

/** The class of a failure of a try; undefined for failures that are no try's. */
export function outcomeClass(reason: Reason): 'connect' | 'reset' | 'timeout' | undefined {
  if (CONNECT.has(reason)) return 'connect'
  if (RESET.has(reason)) return 'reset'
  if (TIMEOUT.has(reason)) return 'timeout'
  return undefined
}

/** No answer at all, or one that says that something behind the endpoint did not answer. */
export function isGatewayFailure(outcome: OutcomeClass): boolean {
  return typeof outcome === 'number' ? outcome >= 502 && outcome <= 504 : outcome !== 'ok'
}

/** Of an answer that is none of the upstream's failures; its body may still break. */
export const GOOD: HeadVerdict = { outcome: 'ok', reason: undefined, ignored: false }
/** Of a try that another one overtook. */
export const OVERTAKEN: HeadVerdict = { outcome: 'timeout', reason: undefined, ignored: true }
