import type { LeanConfig } from '../../src/core/config.ts'
import type { PathPoliciesConfig } from '../../src/core/path-policy.ts'
import type { TimeLimits } from '../../src/core/plan.ts'
import type { HealthCheckOptions } from '../../src/features/health-check/keys.ts'

/** As built in. */
export const PATHS: PathPoliciesConfig = { dots: 'refuse', slashes: 'check', parameters: 'check', listeners: [] }

/** What holds for all routes and upstreams, for tests that are about something else. */
export const HEAD: Omit<LeanConfig, 'upstreams' | 'routes'> = {
  gateway: { name: 'test' },
  listeners: [],
  trustedProxies: [],
  correlation: { headers: ['x-correlation-id'], trust: 'any' },
  accessLog: { format: 'json', maskHeaders: [], showQuery: [] },
  flightRecorder: undefined,
  pathPolicy: PATHS,
  tracing: undefined,
  metrics: { endpointSeries: 1024 },
  features: {},
}

/** Of a route. */
export const TIMEOUTS: TimeLimits = {
  request: 15_000,
  attempt: undefined,
  idle: 60_000,
  stream: 300_000,
  total: undefined,
  minRate: undefined,
}

/** Asks `/healthz`. */
export const HEALTH_CHECK: HealthCheckOptions = {
  type: 'http',
  path: '/healthz',
  method: 'GET',
  host: undefined,
  service: '',
  status: [{ from: 200, to: 299 }],
  body: undefined,
  port: undefined,
  interval: 1000,
  timeout: 5000,
  healthyAfter: 2,
  unhealthyAfter: 3,
}
