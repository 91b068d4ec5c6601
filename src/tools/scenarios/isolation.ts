import { atLeast, type DrillScenario, exactly, timeAtMost } from '../drill/scenario.ts'
import { NOTHING_HELD } from './expectations.ts'

export const isolation: DrillScenario = {
  name: 'isolation',
  title: 'Two routes on one gateway, one upstream hangs',
  topology:
    'Two routes, each with an upstream of two endpoints of its own, each with 150 idempotent requests per second.',
  fault: 'All endpoints of one upstream accept requests and never answer.',
  recovery: 'They answer again; the circuit breaker lets a growing share of the requests through.',
  runs: 5,
  upstreams: { sick: { endpoints: 2, serviceMs: 5 }, well: { endpoints: 2, serviceMs: 5 } },
  routes: {
    sick: {
      match: { path: '/sick' },
      to: 'sick',
      timeouts: { request: '1s' },
      circuitBreaker: { window: '2s', openFor: '1s', maxOpenFor: '1s', halfOpen: { ramp: '1s' } },
    },
    well: { match: { path: '/well' }, to: 'well' },
  },
  load: [
    { name: 'sick', path: '/sick', rate: 150 },
    { name: 'well', path: '/well', rate: 150 },
  ],
  phases: [
    { name: 'calm', seconds: [1.5, 6] },
    { name: 'hangs', seconds: [3, 6], faults: [{ upstream: 'sick', fault: 'hangs' }] },
    {
      name: 'back',
      seconds: [0, 2],
      faults: [{ upstream: 'sick', fault: 'none' }],
      until: ({ metrics }) => metrics.sum('sluice_breaker_state', { route: 'sick', state: 'closed' }) === 1,
    },
    { name: 'after', seconds: [0.5, 2] },
  ],
  misfit: () => 'it needs two routes',
  expected: [
    exactly('requests of the other route that failed', 0, '', (run) => run.failed(undefined, 'well').length),
    atLeast(
      'requests of the route of the sick upstream that failed',
      1,
      '',
      (run) => run.failed('hangs', 'sick').length,
    ),
    exactly('of these, after the recovery', 0, '', (run) => run.failed('after', 'sick').length),
    NOTHING_HELD,
    timeAtMost('median of the other route, to the calm one', 1.1, 'times', (run) => {
      return run.latency(0.5, 'hangs', 'well') / run.latency(0.5, 'calm', 'well')
    }),
    timeAtMost('p99 of the other route, to the calm one', 1.5, 'times', (run) => {
      return run.latency(0.99, 'hangs', 'well') / run.latency(0.99, 'calm', 'well')
    }),
  ],
}
