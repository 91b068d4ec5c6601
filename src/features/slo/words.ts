import type { MetricTable } from '../../core/metric.ts'

export const metrics = {
  sluice_slo_events_total: {
    kind: 'counter',
    help: 'Requests that count for an objective (availability, latency) of the route, by result: good or bad.',
    labels: ['route', 'objective', 'result'],
  },
  sluice_slo_target_ratio: {
    kind: 'gauge',
    help: 'Share of the requests that an objective requires to be good, from 0 to 1.',
    labels: ['route', 'objective'],
  },
  sluice_slo_error_budget_remaining_ratio: {
    kind: 'gauge',
    help: 'Share of the error budget of 30 days that is left, of what this process has seen: 1 at first, below 0 when overspent.',
    labels: ['route', 'objective'],
  },
} as const satisfies MetricTable

/** What an objective is about. */
export type ObjectiveKind = 'availability' | 'latency'
