import type { Lint } from '../../config/judge/contract.ts'
import { durationText } from '../../schema/scalars.ts'
import { healthCheck } from './feature.ts'

const ROUTE = `routes:
  orders:
    match: { path: /orders/* }
    to: orders
`

const healthCheckOverlaps: Lint = {
  name: 'health-check-overlaps',
  finds: 'A health check whose `timeout` is longer than its `interval`.',
  why: 'A check that hangs delays the next one, so an endpoint that hangs is found later than `interval` and `unhealthyAfter` promise.',
  remedy: 'Make `timeout` shorter than `interval`; an endpoint that needs longer to answer a check is not healthy.',
  example: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
    healthCheck: { interval: 1s, timeout: 3s }
${ROUTE}`,
  better: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
    healthCheck: { interval: 3s, timeout: 1s }
${ROUTE}`,
  run: ({ upstreams, written }) =>
    upstreams.flatMap(({ name, options }) => {
      const check = options.features.of(healthCheck)
      if (check === undefined || check.timeout <= check.interval) return []
      const path = ['upstreams', name, 'healthCheck']
      const [timeout, interval] = [durationText(check.timeout), durationText(check.interval)]
      return [
        written([...path, 'timeout'])
          ? { path: [...path, 'timeout'], message: `is longer than interval (${interval})` }
          : { path: [...path, 'interval'], message: `is shorter than timeout (${timeout} by default)` },
      ]
    }),
}

export const lints: readonly Lint[] = [healthCheckOverlaps]
