import { cutsOff, unless } from '../drill/facts.ts'
import { atLeast, type DrillScenario, exactly, timeAtMost } from '../drill/scenario.ts'
import { NOTHING_HELD } from './expectations.ts'

export const latencySpike: DrillScenario = {
  name: 'latency-spike',
  title: 'All endpoints become slow by 10 s, then normal',
  topology: 'One route with 1 s for a request, one upstream of three endpoints, 200 idempotent requests per second.',
  fault: 'Every answer takes 10 s more.',
  recovery:
    'Answers are as fast as before. The circuit breaker has kept the queue short: its next probes are good, then it admits a growing share.',
  upstreams: {
    app: { endpoints: 3, serviceMs: 5, options: { outlierDetection: { baseEjection: '1s', maxEjection: '1s' } } },
  },
  routes: {
    app: {
      match: { path: '/*' },
      to: 'app',
      timeouts: { request: '1s' },
      circuitBreaker: { window: '2s', openFor: '1s', maxOpenFor: '1s', halfOpen: { ramp: '1s' } },
    },
  },
  load: [{ name: 'app', path: '/', rate: 200 }],
  phases: [
    { name: 'calm', seconds: [1, 5] },
    { name: 'slow', seconds: [3, 10], faults: [{ upstream: 'app', fault: { slowMs: 10_000 } }] },
    {
      name: 'normal',
      seconds: [0, 6],
      faults: [{ upstream: 'app', fault: 'none' }],
      until: ({ metrics }) => metrics.sum('sluice_breaker_state', { state: 'closed' }) === 1,
    },
    { name: 'after', seconds: [0.5, 5] },
  ],
  misfit: (facts) =>
    unless(
      [(facts.limit.request ?? Number.POSITIVE_INFINITY) <= 1000, 'timeouts.request is not 1 s or less'],
      [cutsOff(facts, 'timeout'), 'no circuit breaker opens within 2 s of failures'],
    ),
  expected: [
    exactly('requests that failed before', 0, '', (run) => run.failedInside('calm').length),
    atLeast('openings of the breaker', 1, '', (run) => {
      return run.grown('slow', 'sluice_breaker_transitions_total', { to: 'open' })
    }),
    exactly('requests that failed after the recovery', 0, '', (run) => run.failed('after').length),
    NOTHING_HELD,
    timeAtMost('until the last request that failed', 5000, 'ms', (run) => run.lastFailed('normal')),
  ],
}
