import type { EventTable, FeatureEvent } from '../../core/event.ts'
import type { Notice } from '../../core/notice.ts'
import { type EndpointStates, lastingState } from '../../core/state-table.ts'
import { durationText } from '../../schema/scalars.ts'
import type { Ejected, EjectionCause, EjectionEvents } from './outlier.ts'

const METRIC = 'sluice_ejections_total'

/** What the attempts came to that decided it. */
const CAUSES: Readonly<Record<EjectionCause, (failed: number, total: number) => string>> = {
  consecutive_failures: (failed) => (failed === 1 ? 'an attempt failed' : `${failed} attempts in a row failed`),
  consecutive_5xx: (failed) =>
    failed === 1
      ? 'an attempt failed or was answered with a status from 500 on'
      : `${failed} attempts in a row failed or were answered with a status from 500 on`,
  failure_percentage: (failed, total) => `${failed} of ${total} attempts failed`,
  success_rate: (failed, total) => `${failed} of ${total} attempts failed, many more than at the other endpoints`,
}

const states = {
  ejected: lastingState({
    doc: 'Outlier detection keeps it out of service for a while.',
    level: 'bad',
    facts: {
      cause: { type: 'string', doc: 'consecutive_failures, consecutive_5xx, failure_percentage or success_rate.' },
      failed: { type: 'number', doc: 'How many attempts failed.' },
      total: { type: 'number', doc: 'Of how many.' },
      ms: { type: 'number', doc: 'For how long, milliseconds.' },
    },
    log: { level: 'warn', message: 'endpoint ejected' },
    sentence(facts) {
      if (facts === undefined) return 'its attempts failed; it gets none for a while'
      const { cause, failed, ms, total } = facts
      const why = CAUSES[cause as EjectionCause](failed, total)
      return `${why}; it gets none for ${durationText(Math.round(ms / 1_000) * 1_000)}, then its first failure ejects it again`
    },
  }),
  usable: lastingState({
    doc: 'It is back.',
    level: 'good',
    facts: {},
    log: { level: 'info', message: 'endpoint is back on probation' },
    sentence: () => 'it was ejected, and gets requests again',
  }),
} as const

/** What it tells of endpoints that it takes out of service. */
export const endpointStates: EndpointStates = {
  labels: ['upstream', 'endpoint'],
  states,
  counter: {
    metric: METRIC,
    labels: ([upstream = ''], state, { cause }) =>
      state === 'ejected' ? [upstream, String(cause), 'enforce'] : undefined,
  },
}

const counter: FeatureEvent['counter'] = {
  metric: METRIC,
  labels: ({ cause, upstream }) => [String(upstream), String(cause), 'shadow'],
}

export const events = {
  /** In mode shadow: the state stays. */
  spared: { log: { level: 'warn', message: 'endpoint would be ejected' }, counter },
} as const satisfies EventTable

/** Reports what happens to the endpoints of an upstream. */
export function reporting(feature: string, upstream: string, report: (notice: Notice) => void): EjectionEvents {
  const tell = (endpoint: string, state: keyof typeof states, facts: Partial<Ejected>): void =>
    report({ kind: 'state', feature, labels: [upstream, endpoint], state, facts })
  return {
    ejected: ({ endpoint, mode, ...facts }) =>
      mode === 'enforce'
        ? tell(endpoint, 'ejected', facts)
        : report({ kind: 'event', feature, event: 'spared', facts: { upstream, endpoint, ...facts } }),
    returned: (endpoint) => tell(endpoint, 'usable', {}),
  }
}
