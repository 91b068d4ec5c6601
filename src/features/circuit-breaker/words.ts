import type { MetricTable } from '../../core/metric.ts'

export const metrics = {
  sluice_breaker_state: {
    kind: 'gauge',
    help: 'State of a circuit breaker: 1 for the one it is in, 0 for the others.',
    labels: ['route', 'upstream', 'state'],
  },
} as const satisfies MetricTable
