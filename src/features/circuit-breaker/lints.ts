import type { Lint, LintRoute } from '../../config/judge/contract.ts'
import { mostAttempts } from '../../config/judge/lints/endpoints.ts'
import type { Finding } from '../../core/lint.ts'
import { NO_LIMITS } from '../../core/plan.ts'
import { durationText } from '../../schema/scalars.ts'
import { circuitBreaker } from './feature.ts'
import type { CircuitBreakerOptions } from './keys.ts'

const UPSTREAM = `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080 ]
`

const breakerNeverOpens: Lint = {
  name: 'breaker-never-opens',
  finds: 'A circuit breaker whose `minRequests` cannot be reached while the upstream hangs.',
  why: 'When every attempt takes its whole timeout, no more attempts can end in `window` than the limits on concurrency admit. If these are fewer than `minRequests`, the breaker never opens, although everything fails.',
  remedy: 'Lower `minRequests`, or make `window` longer or `timeouts.attempt` shorter.',
  example: `${UPSTREAM}routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { request: 20s }
    bulkhead: { maxConcurrent: 5 }
    circuitBreaker: { minRequests: 50, window: 10s }
`,
  better: `${UPSTREAM}routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { request: 20s }
    bulkhead: { maxConcurrent: 5 }
    circuitBreaker: { minRequests: 5, window: 40s }
`,
  run: ({ routes, upstreams, own }) =>
    routes.flatMap((route): Finding[] => {
      const breaker = judged(route)
      const time = attemptTime(route)
      if (breaker === undefined || time === undefined) return []
      const limits = route.upstreams.map((name) => {
        const upstream = upstreams.find((one) => one.name === name)
        return upstream === undefined ? Number.POSITIVE_INFINITY : mostAttempts(upstream)
      })
      const limit = Math.min(attemptsInFlight(route), Math.max(...limits))
      // The window ends between two of its slots.
      const most = limit * (Math.ceil(breaker.window / time) + 1)
      const path = ['routes', route.name, 'circuitBreaker']
      if (most >= breaker.minRequests || !own(path)) return []
      return [
        {
          path: [...path, 'minRequests'],
          message: `is not reached while the upstream hangs: of ${limit} attempts at a time that end after ${durationText(time)} at most ${most} fall into ${durationText(breaker.window)} (window)`,
        },
      ]
    }),
}

const breakerWindowShort: Lint = {
  name: 'breaker-window-short',
  finds: 'A circuit breaker whose `window` is shorter than `timeouts.attempt`.',
  why: 'An attempt that hangs counts when it times out. By then the attempts that began with it are forgotten, so the breaker compares failures of one moment with successes of another.',
  remedy: 'Make `window` at least as long as `timeouts.attempt`, better several times as long.',
  example: `${UPSTREAM}routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { attempt: 5s }
    circuitBreaker: { window: 2s }
`,
  better: `${UPSTREAM}routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { attempt: 5s }
    circuitBreaker: { window: 20s }
`,
  run: ({ routes, written }) =>
    routes.flatMap((route): Finding[] => {
      const { attempt, request: inTime = Number.POSITIVE_INFINITY } = route.plan.limit ?? NO_LIMITS
      const breaker = judged(route)
      const path = ['routes', route.name, 'circuitBreaker', 'window']
      if (breaker === undefined || attempt === undefined || breaker.window >= attempt) return []
      if (!written(path) || attempt > inTime) return []
      return [{ path, message: `is shorter than timeouts.attempt (${durationText(attempt)})` }]
    }),
}

/** The breaker, if it judges attempts that time out. */
function judged({ options: { features, to } }: LintRoute): CircuitBreakerOptions | undefined {
  const breaker = features.of(circuitBreaker)
  return to !== undefined && breaker?.when.includes('timeout') === true ? breaker : undefined
}

/** Milliseconds: the shortest time after which a hanging attempt ends. */
function attemptTime({ plan }: LintRoute): number | undefined {
  const { attempt, request } = plan.limit ?? NO_LIMITS
  if (attempt === undefined || (plan.again?.most ?? 0) === 0) return request
  return Math.min(attempt, request ?? attempt)
}

/** A second attempt beside the first is one more of the same request. */
function attemptsInFlight({ mostInFlight, plan }: LintRoute): number {
  return mostInFlight * (plan.beside === undefined ? 1 : 2)
}

export const lints: readonly Lint[] = [breakerNeverOpens, breakerWindowShort]
