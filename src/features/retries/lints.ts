import type { Lint } from '../../config/judge/contract.ts'
import { NO_LIMITS } from '../../core/plan.ts'
import { durationText } from '../../schema/scalars.ts'
import { retries } from './feature.ts'

const UPSTREAM = `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080 ]
`

const attemptsExceedRequest: Lint = {
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
    routes.flatMap(({ name, options: { features, to }, plan }) => {
      const { attempt, request } = plan.limit ?? NO_LIMITS
      const further = features.of(retries)
      if (to === undefined || further === undefined || attempt === undefined) return []
      // The second one runs beside the first.
      if (plan.beside !== undefined) return []
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

const timeoutNeverRetried: Lint = {
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
      .filter(({ options: { features, to }, plan }) => {
        const { maxExtra = 0, when = [] } = features.of(retries) ?? {}
        const retried = maxExtra > 0 && when.includes('timeout')
        return to !== undefined && retried && plan.limit?.attempt === undefined
      })
      .map(({ name, options: { features } }) => ({
        path: ['routes', name, 'retries', 'when', features.of(retries)?.when.indexOf('timeout') ?? 0],
        message: 'a timeout is never followed by another attempt: timeouts.attempt is off, so the request ends with it',
      })),
}

export const lints: readonly Lint[] = [attemptsExceedRequest, timeoutNeverRetried]
