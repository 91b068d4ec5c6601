import { config, objectives, saturation } from './gateway-rows.ts'
import type { RowSpec } from './model.ts'
import { errors, latency, traffic } from './request-rows.ts'
import { breakers, endpoints, queues, retries } from './upstream-rows.ts'

/** The rows of the dashboard, from the top down. */
export const ROWS: readonly RowSpec[] = [
  traffic,
  errors,
  latency,
  saturation,
  breakers,
  endpoints,
  retries,
  queues,
  config,
  objectives,
]
