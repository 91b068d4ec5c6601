import { defineFeature } from '../../core/feature.ts'
import type { MetricTable } from '../../core/metric.ts'
import { keys } from './keys.ts'
import { endpointStates } from './states.ts'

const metrics = {
  sluice_health_checks_total: {
    kind: 'counter',
    help: 'Active health checks of endpoints, by result: ok, status, body, not_serving, timeout, refused, unreachable, tls, reset or bad_response.',
    labels: ['upstream', 'result'],
  },
} as const satisfies MetricTable

export type HealthMetrics = typeof metrics

export const healthCheck = defineFeature({
  name: 'healthCheck',
  doc: 'Active checks of each endpoint.',
  keys: { upstream: keys },
  byDefault: 'off',
  metrics,
  endpointStates,
  fitsDrill: ({ body, port, status, type }) =>
    type === 'http' &&
    body === undefined &&
    port === undefined &&
    status.some(({ from, to }) => from <= 200 && to >= 200),
  lints: () => import('./lints.ts'),
  control: () => import('./control.ts'),
})
