import { ms } from './format.js'

const SENTENCES = {
  received: ({ client, protocol }) => `received from ${client} (${protocol})`,
  queued: ({ waitMs }) => `waited ${ms(waitMs)} in the queue for a permit`,
  attempt,
  breaker: ({ upstream }) => `the circuit breaker of ${upstream} lets no attempt pass`,
  bulkhead: ({ upstream }) => `the bulkhead of ${upstream} is full`,
  decided: ({ text }) => text,
  budget: ({ upstream }) => `the retry budget of ${upstream} is spent: no further attempt there`,
  shed: ({ reason }) => `refused: ${reason}`,
  deadline: ({ limitMs, reason }) => `${reason}${limitMs === null ? '' : ` (it had ${ms(limitMs)})`}`,
  failed: ({ origin, phase, reason, rule }) =>
    `failed: ${reason}${rule === null ? '' : `, rule ${rule}`} (${phase}, caused by ${origin})`,
  fallback: ({ reason }) => `the fallback answers in the place of ${reason}`,
  headers: ({ status }) => `the answer begins: ${status}`,
  ended: ({ bytesIn, bytesOut, status }) => `ended: ${status}, ${bytesIn} bytes in, ${bytesOut} bytes out`,
}

/** What happened, in words; kinds that a newer gateway may know are told as they are. */
export function sentence(event) {
  return SENTENCES[event.kind]?.(event) ?? event.kind
}

/** @returns {string} bad, warn or empty */
export function eventTone(event) {
  if (event.kind === 'attempt') return event.outcome === 'ok' || event.outcome === 'ignored' ? '' : 'bad'
  if (['failed', 'deadline', 'shed'].includes(event.kind)) return 'bad'
  return ['queued', 'breaker', 'bulkhead', 'decided', 'fallback'].includes(event.kind) ? 'warn' : ''
}

function attempt({ connectMs, durationMs, endpoint, n, outcome, reason, reused, status, upstream }) {
  const connection = reused ? 'kept connection' : connectMs === null ? 'no connection' : `connected in ${ms(connectMs)}`
  const what =
    outcome === 'ok'
      ? `answered ${status}`
      : outcome === 'ignored'
        ? 'no longer waited for'
        : `failed: ${reason ?? outcome}`
  return `attempt ${n} at ${endpoint ?? 'no endpoint'} of ${upstream} (${connection}): ${what}, ${ms(durationMs)}`
}
