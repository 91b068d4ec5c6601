import { FAILURES, type Reason } from './failures.ts'
import { ABANDONED, ANSWERED, FAILED, IGNORED, type Lesson, NEEDLESS, OUTPACED, UNSENT } from './lessons.ts'
import type { TransportFailure } from './transport.ts'

/**
 * Classes that `retries.when`, breakers and fallbacks speak of. A member of `connect`, `reset` or `timeout` is a failure
 * without an answer; a number is the upstream's status.
 */
export type OutcomeClass = 'connect' | 'reset' | 'timeout' | 'ok' | number

/** The verdict on an attempt at its head: given once, at the response's head or at the failure. */
export interface HeadVerdict {
  readonly outcome: OutcomeClass
  /** The failure, where there was no answer. */
  readonly reason: Reason | undefined
  /**
   * It says nothing of the upstream: the client, a policy or Sluice itself ended it, another one won, or it was never sent.
   */
  readonly ignored: boolean
  /** What it teaches. */
  readonly lesson: Lesson
}

/**
 * How an attempt ended after its head. `failed`: the answer came whole, and says behind its head that the request failed, as a
 * status in trailers does. `tunnel_broken`: the upstream broke the tunnel behind its 101; how that should end only its protocol
 * can tell, and an application that throws a client out breaks it, too.
 */
export type EndVerdict = 'complete' | 'failed' | 'broken_by_upstream' | 'tunnel_broken' | 'broken_by_us' | 'pending'

/** Of a tunnel: an attempt that got a 101 is judged by that. */
export type TunnelEnd = Extract<EndVerdict, 'complete' | 'tunnel_broken' | 'broken_by_us'>

/**
 * Why an attempt failed after a good head, as its end tells; undefined: it did not, by a fault of the upstream. Breaker, outlier
 * detection, metrics, objectives and log take it from here.
 */
export function failedEnd(end: EndVerdict): 'response_incomplete' | 'upstream_error' | undefined {
  if (end === 'broken_by_upstream') return 'response_incomplete'
  return end === 'failed' ? 'upstream_error' : undefined
}

/** The same as spans tell it, which tell of tunnels, too. */
export function toldEnd(end: EndVerdict): ReturnType<typeof failedEnd> {
  return end === 'tunnel_broken' ? 'response_incomplete' : failedEnd(end)
}

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

/** The class of a failure of an attempt; undefined for failures that belong to no attempt. */
export function outcomeClass(reason: Reason): 'connect' | 'reset' | 'timeout' | undefined {
  if (CONNECT.has(reason)) return 'connect'
  if (RESET.has(reason)) return 'reset'
  if (TIMEOUT.has(reason)) return 'timeout'
  return undefined
}

/**
 * The class of an attempt's failure. What the peer refused unprocessed is as safe to repeat as what never had a connection.
 */
export function failureClass({ reason, refusedUnprocessed }: TransportFailure): ReturnType<typeof outcomeClass> {
  return refusedUnprocessed !== false ? 'connect' : outcomeClass(reason)
}

/**
 * What an attempt teaches that failed so. A peer that goes away hands back what it has not begun: it leaves in order, and that is
 * no fault.
 */
export function lessonOf({ reason, refusedUnprocessed }: TransportFailure): Lesson {
  return refusedUnprocessed === 'goes_away' ? IGNORED : FAILURES[reason].teaches
}

/** Whether the upstream may have done something with the request: then it may be repeated by some methods only. */
export function mayBeProcessed({ bytesSent, refusedUnprocessed }: TransportFailure): boolean {
  return bytesSent && refusedUnprocessed === false
}

/** No answer at all, or one that says that a service behind the endpoint did not answer. */
export function isGatewayFailure(outcome: OutcomeClass): boolean {
  return typeof outcome === 'number' ? outcome >= 502 && outcome <= 504 : outcome !== 'ok'
}

/** Of an answer that is not a failure of the upstream; its body may still break. */
export const GOOD: HeadVerdict = verdict('ok', undefined, ANSWERED)
/** Of an attempt that another one overtook. */
export const OVERTAKEN: HeadVerdict = verdict('timeout', undefined, ABANDONED)
/** Of an attempt overtaken so soon that the request was not slow. */
export const LEFT_BEHIND: HeadVerdict = verdict('timeout', undefined, OUTPACED)
/** Of the second attempt, when the first one had its answer after all. */
export const SPARE: HeadVerdict = verdict('timeout', undefined, NEEDLESS)
/** Of a candidate that policies let pass and that is not sent. */
export const UNUSED: HeadVerdict = verdict('ok', undefined, UNSENT)

/** Of an answer with this status. */
export function answered(status: number): HeadVerdict {
  return status < 500 ? GOOD : verdict(status, undefined, FAILED)
}

/** Of an answer with this status that the client caused: it kept the upstream waiting for its body. */
export function provoked(status: number): HeadVerdict {
  return verdict(status, undefined, IGNORED)
}

/** Of an attempt that ended for this reason before its head. `lesson`, `outcome`: in place of the table's. */
export function ended(
  reason: Reason,
  lesson: Lesson = FAILURES[reason].teaches,
  outcome: ReturnType<typeof outcomeClass> = outcomeClass(reason),
): HeadVerdict {
  // What was not the upstream's has no class: displays show an attempt without outcome.
  return verdict(outcome ?? (lesson === UNSENT ? 'ok' : 'timeout'), reason, lesson)
}

/** The same, of an attempt from which nothing learns. */
export function untaught({ outcome, reason }: HeadVerdict): HeadVerdict {
  return verdict(outcome, reason, IGNORED)
}

function verdict(outcome: OutcomeClass, reason: Reason | undefined, lesson: Lesson): HeadVerdict {
  return { outcome, reason, ignored: !lesson.breaker, lesson }
}
