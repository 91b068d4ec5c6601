import { FAILURES, type Reason } from '../core/failures.ts'
import type { AttemptHappening, Flight, Happening } from '../core/flight.ts'
import { printable } from './columns.ts'

const FAILURES_PAGE = 'docs/failures.md'

/** The story of a request in plain words, with a time axis. */
export function storyOf(flight: Flight): string {
  const head = [
    `${flight.method} ${flight.host}${flight.path}${flight.query}`,
    `  ${flight.time}, route ${flight.route ?? '- (none matched)'}, listener ${flight.listener}`,
    `  request ${flight.requestId}, correlation ${flight.correlationId}, trace ${flight.traceId}`,
    `  ${verdict(flight)}`,
    '',
  ]
  const times = flight.timeline.map(({ atMs }) => ms(atMs))
  const width = Math.max(...times.map((time) => time.length))
  const axis = flight.timeline.map((event, i) => `  ${(times[i] as string).padStart(width)}  ${sentence(event)}`)
  const because = meaning(flight)
  return `${[...head, ...axis, ...(because === '' ? [] : ['', `  ${because}`])].map(printable).join('\n')}\n`
}

function verdict({ attempts, durationMs, origin, phase, reason, status, why }: Flight): string {
  const made = attempts === 1 ? '1 attempt' : `${attempts} attempts`
  const cause = reason === null ? '' : `, ${reason} (${phase}, caused by ${origin})`
  const slow = why === 'slow' ? 'slow: ' : ''
  return `${slow}${status} after ${ms(durationMs)} and ${made}${cause}`
}

function meaning({ reason, status }: Flight): string {
  if (reason !== null)
    return `${reason}: ${FAILURES[reason as Reason]?.title ?? 'unknown here'}. See ${FAILURES_PAGE}#${reason}`
  return status >= 500 ? `The upstream itself answered with ${status}; Sluice passed it on.` : ''
}

function sentence(event: Happening): string {
  switch (event.kind) {
    case 'received':
      return `received from ${event.client} (${event.protocol})`
    case 'queued':
      return `waited ${ms(event.waitMs)} in the queue for a permit`
    case 'attempt':
      return attempt(event)
    case 'breaker':
      return `the circuit breaker of ${event.upstream} lets no attempt pass: it is open, or on probation`
    case 'bulkhead':
      return `the bulkhead of ${event.upstream} is full`
    case 'decided':
      return event.text
    case 'shed':
      return `refused: ${event.reason}`
    case 'deadline':
      return `${event.reason}${event.limitMs === null ? '' : ` (it had ${ms(event.limitMs)})`}`
    case 'failed':
      return `failed: ${event.reason}${event.rule === null ? '' : `, rule ${event.rule}`} (${event.phase}, caused by ${event.origin})`
    case 'fallback':
      return `the fallback answers in the place of ${event.reason}`
    case 'headers':
      return `the answer begins: ${event.status}`
    case 'ended':
      return `ended: ${event.status}, ${event.bytesIn} bytes in, ${event.bytesOut} bytes out`
  }
}

function attempt(event: AttemptHappening): string {
  const { connectMs, durationMs, endpoint, n, outcome, reason, reused, rule, status, upstream } = event
  const connection =
    connectMs === null ? 'no connection' : reused ? 'on a kept connection' : `connected in ${ms(connectMs)}`
  const came = status === 0 ? (reason ?? outcome) : `${status}${outcome === 'ignored' ? ', not waited for' : ''}`
  const wrong = rule === null ? '' : ` (${rule})`
  return `attempt ${n} to ${upstream} ${endpoint}: ${came}${wrong} after ${ms(durationMs)}, ${connection}`
}

/** `0 ms`, `3.2 ms`, `250 ms`, `12.5 s`. */
function ms(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ms`
}
