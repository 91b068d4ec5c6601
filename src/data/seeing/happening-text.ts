import type { AttemptHappening, HappeningFacts } from '../../core/flight.ts'
import type { Hindrance } from '../../core/note.ts'

/** What is not told in the words of a feature. */
export type OwnHappening = Exclude<HappeningFacts, { readonly kind: 'decided' | 'refused' }>

/** What an operator reads of something that happened to a request. */
export function happeningText(event: OwnHappening): string {
  switch (event.kind) {
    case 'received':
      return `received from ${event.client} (${event.protocol})`
    case 'queued':
      return `waited ${milliseconds(event.waitMs)} in the queue for a permit`
    case 'attempt':
      return attemptText(event)
    case 'rerouted':
      return reroutedText(event)
    case 'called':
      return `${event.what} of ${event.feature} to ${event.to}: ${event.reason ?? event.status} after ${milliseconds(event.durationMs)}`
    case 'shed':
      return `refused: ${event.reason}`
    case 'deadline':
      return `${event.reason}${event.limitMs === null ? '' : ` (it had ${milliseconds(event.limitMs)})`}`
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

const HINDRANCES: Readonly<Record<Hindrance, string>> = {
  loop: 'it had that one before, or too many others',
  body: 'its body was not kept',
  unknown: 'there is no such route',
}

function reroutedText({ from, hindrance, to }: Extract<OwnHappening, { readonly kind: 'rerouted' }>): string {
  if (hindrance === null) return `goes on from route ${from} to route ${to}`
  return `cannot go on from route ${from} to route ${to}: ${HINDRANCES[hindrance]}`
}

function attemptText(event: AttemptHappening): string {
  const { connectMs, durationMs, endpoint, n, outcome, reason, reused, rule, status, upstream } = event
  const connection =
    connectMs === null ? 'no connection' : reused ? 'on a kept connection' : `connected in ${milliseconds(connectMs)}`
  const came = status === 0 ? (reason ?? outcome) : `${status}${outcome === 'ignored' ? ', not waited for' : ''}`
  const wrong = rule === null ? '' : ` (${rule})`
  return `attempt ${n} to ${upstream} ${endpoint}: ${came}${wrong} after ${milliseconds(durationMs)}, ${connection}`
}

/** `0 ms`, `3.2 ms`, `250 ms`, `12.5 s`. */
export function milliseconds(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ms`
}
