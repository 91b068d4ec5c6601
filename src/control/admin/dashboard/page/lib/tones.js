/** What a state means to an operator: good, warn, bad; empty: neither. */

const ENDPOINTS = { usable: 'good', ejected: 'bad', unhealthy: 'bad', draining: 'warn' }
const WORKERS = { serving: 'good', starting: 'warn', ending: 'warn', waiting: 'bad', stalled: 'bad' }

/** @param {string} state */
export const endpointTone = (state) => ENDPOINTS[state] ?? ''
/** @param {string} state */
export const workerTone = (state) => WORKERS[state] ?? ''
/** @param {number} share of errors, 0 to 1 */
export const errorTone = (share) => (share >= 0.05 ? 'bad' : share >= 0.01 ? 'warn' : '')
/** @param {string} state */
export const words = (state) => state.replaceAll('_', ' ')

/**
 * Of something that happened to a request.
 * @param {{ kind: string, outcome?: string }} event
 */
export function eventTone({ kind, outcome }) {
  if (kind === 'attempt') return outcome === 'ok' || outcome === 'ignored' ? '' : 'bad'
  if (['failed', 'deadline', 'shed'].includes(kind)) return 'bad'
  return ['queued', 'refused', 'decided', 'fallback'].includes(kind) ? 'warn' : ''
}
