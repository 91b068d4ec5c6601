import type { MetricTable } from '../../core/metric.ts'

export const metrics = {
  sluice_ejections_total: {
    kind: 'counter',
    help: 'Ejections of endpoints by outlier detection, by reason: consecutive_failures, consecutive_5xx, failure_percentage or success_rate; mode shadow: it would have been ejected.',
    labels: ['upstream', 'reason', 'mode'],
  },
} as const satisfies MetricTable
