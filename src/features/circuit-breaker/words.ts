import type { Refusals } from '../../core/feature.ts'
import type { MetricTable } from '../../core/metric.ts'

export const metrics = {
  sluice_breaker_transitions_total: {
    kind: 'counter',
    help: 'Changes of the state of circuit breakers.',
    labels: ['route', 'upstream', 'to'],
  },
  sluice_breaker_state: {
    kind: 'gauge',
    help: '1 for the state that a circuit breaker is in, else 0: closed, open, half_open, ramping, forced_open, forced_closed.',
    labels: ['route', 'upstream', 'state'],
  },
} as const satisfies MetricTable

export const refusals = {
  breaker_open: (upstream) => `the circuit breaker of ${upstream} lets no attempt pass: it is open, or on probation`,
} as const satisfies Refusals
