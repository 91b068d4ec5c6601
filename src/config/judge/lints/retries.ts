import { NO_LIMITS } from '../../../core/plan.ts'
import { hedge } from '../../../features/hedge/feature.ts'
import { retries } from '../../../features/retries/feature.ts'
import { retryBudget } from '../../../features/retry-budget/feature.ts'
import { timeouts } from '../../../features/timeouts/feature.ts'
import { durationText } from '../../../schema/scalars.ts'
import type { Lint } from '../contract.ts'

const UPSTREAM = `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080 ]
`

export const attemptsExceedRequest: Lint = {
  name: 'attempts-exceed-request',
  finds: 'More attempts than fit into `timeouts.request` when each takes its `timeouts.attempt`.',
  why: 'When the upstream hangs, which is what these two keys are for, the later attempts have less time than the file says, or none.',
  remedy:
    'Lower `timeouts.attempt` or `retries.maxExtra`, or raise `timeouts.request`: attempts x attempt timeout, and some backoff, should fit into it.',
  example: `${UPSTREAM}routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { request: 5s, attempt: 2s }
    retries: { maxExtra: 2, when: [connect, timeout] }
`,
  better: `${UPSTREAM}routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { request: 7s, attempt: 2s }
    retries: { maxExtra: 2, when: [connect, timeout] }
`,
  run: ({ routes, written }) =>
    routes.flatMap(({ name, options: { features, to } }) => {
      const { attempt, request } = features.of(timeouts) ?? NO_LIMITS
      const further = features.of(retries)
      if (to === undefined || further === undefined || attempt === undefined) return []
      // A hedge runs beside the first attempt.
      if (features.of(hedge) !== undefined) return []
      const attempts = further.maxExtra + 1
      if (request === undefined || attempt > request || attempts * attempt <= request) return []
      if (attempts === 1 || !further.when.includes('timeout')) return []
      const left = request - further.maxExtra * attempt
      const last = left > 0 ? `leaves ${durationText(left)} for the last one` : `is over before the last one begins`
      const written1 = ['routes', name, 'timeouts', 'attempt']
      return [
        {
          path: written(['routes', name, 'retries', 'maxExtra']) ? ['routes', name, 'retries', 'maxExtra'] : written1,
          message: `${attempts} attempts of ${durationText(attempt)} (timeouts.attempt) take ${durationText(attempts * attempt)}; timeouts.request is ${durationText(request)} and ${last}`,
        },
      ]
    }),
}

export const timeoutNeverRetried: Lint = {
  name: 'timeout-never-retried',
  finds: '`timeout` in `retries.when` on a route without `timeouts.attempt`.',
  why: 'Without it only `timeouts.request` ends a hanging attempt, and with it the whole request: a timeout is never followed by another attempt.',
  remedy:
    'Give `timeouts.attempt` a duration, of which several fit into `timeouts.request`, or remove `timeout` from the list.',
  example: `${UPSTREAM}routes:
  orders:
    match: { path: /orders/* }
    to: orders
    retries: { when: [connect, timeout] }
`,
  better: `${UPSTREAM}routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { attempt: 5s }
    retries: { when: [connect, timeout] }
`,
  run: ({ routes }) =>
    routes
      .filter(({ options: { features, to } }) => {
        const { maxExtra = 0, when = [] } = features.of(retries) ?? {}
        const retried = maxExtra > 0 && when.includes('timeout')
        return to !== undefined && retried && features.of(timeouts)?.attempt === undefined
      })
      .map(({ name, options: { features } }) => ({
        path: ['routes', name, 'retries', 'when', features.of(retries)?.when.indexOf('timeout') ?? 0],
        message: 'a timeout is never followed by another attempt: timeouts.attempt is off, so the request ends with it',
      })),
}

export const retriesWithoutBudget: Lint = {
  name: 'retries-without-budget',
  finds: '`retryBudget: off` on an upstream whose routes retry.',
  why: 'While everything fails, each request becomes 1 + `maxExtra` attempts: the load multiplies when the upstream can bear it least, and keeps it down (a retry storm).',
  remedy:
    'Leave the budget on; raise `retryBudget.percent` or `minRetryRate` if it is too tight, or switch the retries off.',
  example: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080 ]
    retryBudget: off
routes:
  orders:
    match: { path: /orders/* }
    to: orders
    retries: { maxExtra: 3 }
`,
  better: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080 ]
    retryBudget: { percent: 50% }
routes:
  orders:
    match: { path: /orders/* }
    to: orders
    retries: { maxExtra: 3 }
`,
  run: ({ upstreams }) =>
    upstreams.flatMap(({ name, options, routes }) => {
      if (options.features.of(retryBudget) !== undefined) return []
      const extra = routes.map((route) => route.options.features.of(retries)?.maxExtra ?? 0)
      const most = Math.max(0, ...extra)
      if (most === 0) return []
      const route = routes[extra.indexOf(most)]
      return [
        {
          path: ['upstreams', name, 'retryBudget'],
          message: `nothing bounds the retries: route ${route?.name} makes up to ${most + 1} attempts of each request`,
        },
      ]
    }),
}
