import type { MetricTable } from '../../core/metric.ts'

export const metrics = {
  sluice_overload_stage: {
    kind: 'gauge',
    help: 'Reaction of a worker to overload: 0 none, 1 refuses requests of low importance, 2 also closes connections after their answer, 3 serves only critical requests and refuses new connections.',
    labels: ['worker'],
  },
} as const satisfies MetricTable
