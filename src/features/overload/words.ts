import type { MetricTable } from '../../core/metric.ts'

export const metrics = {
  sluice_overload_stage: {
    kind: 'gauge',
    help: 'Stage of a worker against overload: 0 none, 1 shed, 2 close connections, 3 refuse.',
    labels: ['worker'],
  },
} as const satisfies MetricTable
