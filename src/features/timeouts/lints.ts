import type { Lint, LintRoute } from '../../config/judge/contract.ts'
import type { Finding } from '../../core/lint.ts'
import { NO_LIMITS, type TimeLimits } from '../../core/plan.ts'
import { durationText } from '../../schema/scalars.ts'
import { timeouts } from './feature.ts'

const UPSTREAM = `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080 ]
`

const timeoutNeverReached: Lint = {
  name: 'timeout-never-reached',
  finds: 'A timeout that cannot end anything, because another one ends it before, or because it is not used.',
  why: 'A hanging upstream is noticed later, or by another timeout, than the config suggests. The last permitted attempt may use all the time left, so `timeouts.attempt` has no effect on a route without further attempts.',
  remedy: 'Make the inner timeout shorter than the outer one, permit a further attempt, or remove it.',
  example: `${UPSTREAM}routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { request: 2s, attempt: 5s }
`,
  better: `${UPSTREAM}routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { request: 5s, attempt: 2s }
`,
  run({ routes, upstreams, written, own }) {
    const found = routes.flatMap((route) => inRoute(route, own))
    for (const { name, options, routes: leading } of upstreams) {
      const { connect } = options.timeouts
      const requests = leading.map((route) => limitsOf(route).request ?? Number.POSITIVE_INFINITY)
      const longest = Math.max(...requests)
      if (leading.length === 0 || connect <= longest) continue
      const route = leading[requests.indexOf(longest)] as LintRoute
      found.push({
        path: ['upstreams', name, 'timeouts', 'connect'],
        message: `is longer than timeouts.request of route ${route.name} (${durationText(longest)}), which ends the request before it`,
      })
    }
    return found.filter(({ path }) => written(path))
  },
}

function inRoute(route: LintRoute, own: (path: readonly string[]) => boolean): Finding[] {
  const { name, options, plan } = route
  const { to } = options
  const { attempt, request } = limitsOf(route)
  const at = ['routes', name]
  const found: Finding[] = []
  if (to === undefined) return found
  const before = 'which ends the request before it'
  const attemptAt = [...at, 'timeouts', 'attempt']
  if (attempt !== undefined && request !== undefined && attempt > request)
    found.push({ path: attemptAt, message: `is longer than timeouts.request (${durationText(request)}), ${before}` })
  else if (attempt !== undefined && (plan.again?.most ?? 0) === 0 && own(attemptAt))
    found.push({
      path: attemptAt,
      message:
        'has no effect without retries: the last permitted attempt may use all the time left; use timeouts.request',
    })
  return found
}

const unboundedWait: Lint = {
  name: 'unbounded-wait',
  finds: 'A route on which nothing bounds the wait for an answer.',
  why: 'With `timeouts.request` and `timeouts.total` off, a hanging upstream holds its requests, their permits and connections until the clients give up. `timeouts.attempt` is no bound: the last permitted attempt may use all the time left.',
  remedy:
    'Give `timeouts.request` a long duration instead of off; it only lasts until the head of the answer is there, so streams and long downloads are not cut.',
  example: `${UPSTREAM}routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { request: off }
`,
  better: `${UPSTREAM}routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { request: off, total: 10m }
`,
  run: ({ routes }) =>
    routes
      .filter((route) => {
        const limits = route.options.features.of(timeouts)
        return route.options.to !== undefined && limits !== undefined && (limits.request ?? limits.total) === undefined
      })
      .map(({ name }) => ({
        path: ['routes', name, 'timeouts', 'request'],
        message: 'nothing bounds the wait for an answer; give request or total a duration',
      })),
}

const drainTooShort: Lint = {
  name: 'drain-too-short',
  finds: 'A `drain.timeout` that is shorter than the longest `timeouts.request` in the config.',
  why: 'When the gateway ends, as in every deployment, requests in flight have `drain.timeout` to finish. Those that may take longer are cut.',
  remedy:
    'Make `drain.timeout` as long as the longest request, and the time after which the process is killed (such as `terminationGracePeriodSeconds`) longer than `drain.delay` and `drain.timeout` together.',
  example: `drain: { timeout: 10s }
${UPSTREAM}routes:
  reports:
    match: { path: /reports/* }
    to: orders
    timeouts: { request: 60s }
`,
  better: `drain: { timeout: 60s }
${UPSTREAM}routes:
  reports:
    match: { path: /reports/* }
    to: orders
    timeouts: { request: 60s }
`,
  run({ root, routes, written }) {
    const path = (name: string): readonly string[] => ['routes', name, 'timeouts', 'request']
    let longest: LintRoute | undefined
    for (const route of routes) {
      const time = requestTime(route)
      if (
        time > Math.max(root.drain.timeout, longest === undefined ? 0 : requestTime(longest)) &&
        written(path(route.name))
      )
        longest = route
    }
    if (longest === undefined) return []
    const [time, drain] = [durationText(requestTime(longest)), durationText(root.drain.timeout)]
    if (!written(['drain', 'timeout']))
      return [{ path: path(longest.name), message: `is longer than drain.timeout, which is ${drain} by default` }]
    return [
      { path: ['drain', 'timeout'], message: `is shorter than timeouts.request of route ${longest.name} (${time})` },
    ]
  },
}

function requestTime(route: LintRoute): number {
  return route.options.to === undefined ? 0 : (limitsOf(route).request ?? 0)
}

function limitsOf({ options: { features } }: LintRoute): TimeLimits {
  return features.of(timeouts) ?? NO_LIMITS
}

export const lints: readonly Lint[] = [timeoutNeverReached, unboundedWait, drainTooShort]
