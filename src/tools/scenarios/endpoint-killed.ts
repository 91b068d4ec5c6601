import { ejects, retriesAfter, unless } from '../drill/facts.ts'
import { atLeast, type DrillScenario, exactly, timeAtMost } from '../drill/scenario.ts'
import { HARDLY_ANY_FAILS, NOTHING_HELD } from './expectations.ts'

const INTERVAL_MS = 500

export const endpointKilled: DrillScenario = {
  name: 'endpoint-killed',
  title: 'One endpoint of several is killed',
  topology: 'One route, one upstream of three endpoints with health checks, 300 idempotent requests per second.',
  fault: 'The process of one endpoint gets SIGKILL: its connections break, its port refuses.',
  recovery:
    'Its process is started again on the same port. Two good health checks end its ejection, and it gets requests again.',
  upstreams: {
    app: {
      endpoints: 3,
      serviceMs: 5,
      options: {
        healthCheck: { interval: `${INTERVAL_MS}ms`, healthyAfter: 2, unhealthyAfter: 3 },
        outlierDetection: { endOnHealthy: true },
      },
    },
  },
  routes: { app: { match: { path: '/*' }, to: 'app' } },
  load: [{ name: 'app', path: '/', rate: 300 }],
  phases: [
    { name: 'calm', seconds: [1.5, 5] },
    { name: 'killed', seconds: [2.5, 10], faults: [{ upstream: 'app', endpoint: 0, fault: 'killed' }] },
    {
      name: 'back',
      seconds: [0, 0],
      faults: [{ upstream: 'app', endpoint: 0, fault: 'none' }],
      until: ({ received }) => received('app', 0) > 0,
    },
    { name: 'after', seconds: [0.5, 5], until: ({ received }) => received('app', 0) >= 50 },
  ],
  misfit: (facts) =>
    unless(
      [facts.endpoints > 1, 'it needs two endpoints'],
      [retriesAfter(facts, 'connect', 'reset'), 'retries do not follow on connect and reset'],
      [ejects(facts, 0), 'outlier detection does not eject after 10 failures in a row'],
    ),
  expected: [
    HARDLY_ANY_FAILS,
    exactly('of these, later than 1 s after the kill', 0, '', (run) => {
      return run.failed('killed', 'app', 1000).length + run.failed('back').length + run.failed('after').length
    }),
    atLeast('endpoints that are out meanwhile', 1, '', (run) => {
      const { after } = run.phase('killed')
      const out = (state: string): number => after.sum('sluice_upstream_endpoints', { upstream: 'app', state })
      return out('ejected') + out('unhealthy')
    }),
    atLeast('requests that it gets after its return', 50, '', (run) => run.received('after', 'app', 0)),
    NOTHING_HELD,
    timeAtMost('p99 while it is gone, to the calm one', 2, 'times', (run) => {
      return run.latency(0.99, 'killed', 'app', 1000) / run.latency(0.99, 'calm')
    }),
    timeAtMost('from its return to its first request: two health intervals', 2 * INTERVAL_MS, 'ms', (run) => {
      const { setAt, to } = run.phase('back')
      return to - setAt
    }),
  ],
}
