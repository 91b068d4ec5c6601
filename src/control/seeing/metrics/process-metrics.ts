import { collectDefaultMetrics, Registry } from 'prom-client'

/** Gauges with the name of a counter: promtool objects, and those without `_total` say the same by type. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** CPU, memory, event loop and garbage collection of this process, by prom-client. */
export function processMetrics(): Registry {
  const register = new Registry()
  collectDefaultMetrics({ register })
  for (const name of MISNAMED) register.removeSingleMetric(name)
  return register
}
