import { type LastingState, lastingState, type StateTable } from '../../core/state-table.ts'
import { durationText } from '../../schema/scalars.ts'
import type { BreakerCells } from './cells.ts'
import type { CircuitCause } from './circuit.ts'
import { circuitState } from './circuit-words.ts'
import type { CircuitBreakerOptions } from './keys.ts'

/** Why it opened, with what came of the attempts that decided it. */
const OPENED: Readonly<Record<Extract<CircuitCause, 'error_rate' | 'probe_failed' | 'probes_lost'>, string>> = {
  error_rate: 'attempts failed',
  probe_failed: 'probes failed',
  probes_lost: 'probes were not answered',
}

const states = {
  closed: lastingState({
    doc: 'All attempts pass.',
    level: 'good',
    facts: {},
    log: { level: 'info', message: 'a circuit breaker changed' },
    sentence: () => 'all attempts pass',
  }),
  open: lastingState({
    doc: 'All attempts are refused, until it is time for probes.',
    level: 'bad',
    facts: {
      cause: {
        type: 'string',
        doc: 'error_rate: too many attempts failed; probe_failed; probes_lost: nothing was heard of them.',
      },
      failed: { type: 'number', doc: 'How many failed.' },
      total: { type: 'number', doc: 'Of how many.' },
      windowMs: { type: 'number', doc: 'The time over which attempts are counted, milliseconds.' },
      openMs: { type: 'number', doc: 'How long it refuses all attempts, milliseconds.' },
    },
    log: { level: 'warn', message: 'a circuit breaker opened' },
    sentence(facts) {
      if (facts === undefined) return 'all attempts are refused, until it is time for probes'
      const { cause, failed, openMs, total, windowMs } = facts
      const within = cause === 'error_rate' ? ` in ${durationText(windowMs)}` : ''
      const what = OPENED[cause as keyof typeof OPENED]
      return `${failed} of ${total} ${what}${within}; all attempts are refused for ${rounded(openMs)}, then probes pass`
    },
  }),
  half_open: lastingState({
    doc: 'Probes pass and decide.',
    level: 'warn',
    facts: { probes: { type: 'number', doc: 'How many must succeed.' } },
    log: { level: 'info', message: 'a circuit breaker changed' },
    sentence: (facts) =>
      facts === undefined ? 'probes pass and decide' : `probes pass and decide: ${facts.probes} must succeed`,
  }),
  ramping: lastingState({
    doc: 'Probes succeeded: a growing share of the attempts passes.',
    level: 'warn',
    facts: { rampMs: { type: 'number', doc: 'Time in which the share grows to all, milliseconds.' } },
    log: { level: 'info', message: 'a circuit breaker changed' },
    sentence: (facts) =>
      `probes succeeded; a growing share of the attempts passes${facts === undefined ? '' : `, all after ${durationText(facts.rampMs)}`}`,
  }),
  forced_open: forced('all attempts are refused', 'bad'),
  forced_closed: forced('all attempts pass', 'warn'),
} as const

export type BreakerStates = typeof states

const NAMES = {
  closed: 'closed',
  open: 'open',
  halfOpen: 'half_open',
  ramping: 'ramping',
  forcedOpen: 'forced_open',
  forcedClosed: 'forced_closed',
} as const satisfies Record<ReturnType<typeof circuitState>, keyof BreakerStates>

/** What a breaker is in, as operators see it everywhere. */
export const breakerStates: StateTable<CircuitBreakerOptions, BreakerCells, BreakerStates> = {
  kind: 'breaker',
  list: 'breakers',
  title: 'Breakers',
  labels: ['route', 'upstream'],
  states,
  normal: 'closed',
  gauge: 'sluice_breaker_state',
  counter: { metric: 'sluice_breaker_transitions_total', labels: (labels, state) => [...labels, state] },
  forced: {
    path: 'breakers',
    to: ['open', 'closed'],
    release: 'auto',
    doc: 'Open refuses every request that it guards; closed lets every one through, whatever fails. It decides itself again after that time.',
  },
  *read({ name }, cells, look) {
    for (const [upstream, { circuit }] of Object.entries(cells)) {
      const { state } = circuit
      yield { labels: [name, upstream], state: NAMES[circuitState(look.words(state), state.slot)] }
    }
  },
}

function forced(what: string, level: LastingState['level']) {
  return lastingState({
    doc: `An operator has forced it: ${what}.`,
    level,
    facts: {
      by: { type: 'string', doc: 'Name of the operator; empty: unknown.' },
      until: { type: 'string', doc: 'When that ends, RFC 3339.' },
    },
    log: { level: 'info', message: 'a circuit breaker changed' },
    sentence(facts) {
      if (facts === undefined) return `an operator has forced it: ${what}`
      return `${facts.by === '' ? 'an operator' : facts.by} has forced it until ${facts.until}: ${what}`
    },
  })
}

/** To the second, as far as it is that long. */
function rounded(ms: number): string {
  return durationText(ms < 1_000 ? ms : Math.round(ms / 1_000) * 1_000)
}
