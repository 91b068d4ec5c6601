import { FAILURES, type Reason } from '../core/failures.ts'
import type { Flight } from '../core/flight.ts'
import { milliseconds } from '../data/seeing/happening-text.ts'
import { printable } from './columns.ts'

const FAILURES_PAGE = 'docs/failures.md'

/** A request, and the process that recorded it. */
export interface RecordedFlight extends Flight {
  readonly process: { readonly pid: number; readonly startedAt: string; readonly current: boolean }
}

/** The story of a request in plain words, with a time axis. */
export function storyOf(flight: RecordedFlight): string {
  const head = [
    `${flight.method} ${flight.host}${flight.path}${flight.query}`,
    `  ${flight.time}, route ${flight.route ?? '- (none matched)'}, listener ${flight.listener}`,
    `  request ${flight.requestId}, correlation ${flight.correlationId}, trace ${flight.traceId}`,
    `  ${verdict(flight)}`,
    ...recordedBy(flight),
    '',
  ]
  const times = flight.timeline.map(({ atMs }) => milliseconds(atMs))
  const width = Math.max(...times.map((time) => time.length))
  const axis = flight.timeline.map((event, i) => `  ${(times[i] as string).padStart(width)}  ${event.text}`)
  const because = meaning(flight)
  return `${[...head, ...axis, ...(because === '' ? [] : ['', `  ${because}`])].map(printable).join('\n')}\n`
}

function recordedBy({ process: { current, pid, startedAt } }: RecordedFlight): readonly string[] {
  return current ? [] : [`  recorded by an earlier process, ${pid}, which was started at ${startedAt}`]
}

function verdict({ attempts, durationMs, origin, phase, reason, status, why }: Flight): string {
  const made = attempts === 1 ? '1 attempt' : `${attempts} attempts`
  const cause = reason === null ? '' : `, ${reason} (${phase}, caused by ${origin})`
  const slow = why === 'slow' ? 'slow: ' : ''
  return `${slow}${status} after ${milliseconds(durationMs)} and ${made}${cause}`
}

function meaning({ attempts, reason, status }: Flight): string {
  if (reason !== null)
    return `${reason}: ${FAILURES[reason as Reason]?.title ?? 'unknown here'}. See ${FAILURES_PAGE}#${reason}`
  if (status < 500) return ''
  return attempts > 0
    ? `The upstream itself answered with ${status}; Sluice passed it on.`
    : `The route itself answers with ${status}.`
}
