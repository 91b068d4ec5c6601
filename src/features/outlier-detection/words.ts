import type { MetricTable } from '../../core/metric.ts'

export const metrics = {
  sluice_ejections_total: {
    kind: 'counter',
    help: 'Ejections of endpoints by outlier detection.',
    labels: ['upstream', 'reason', 'mode'],
  },
} as const satisfies MetricTable
