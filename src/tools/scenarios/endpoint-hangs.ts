import { ejects, retriesAfter, unless } from '../drill/facts.ts'
import { atLeast, atMost, type DrillScenario, timeAtMost } from '../drill/scenario.ts'
import { HARDLY_ANY_FAILS, NOTHING_HELD, oneEjection } from './expectations.ts'

export const endpointHangs: DrillScenario = {
  name: 'endpoint-hangs',
  title: 'One endpoint of several hangs',
  topology:
    'One route, one upstream of three endpoints, 300 idempotent requests per second; an attempt may take 500 ms.',
  fault: 'One endpoint accepts requests and never answers.',
  recovery: 'It answers again. When its ejection is over it gets one attempt, and stays in if that succeeds.',
  upstreams: {
    app: {
      endpoints: 3,
      serviceMs: 5,
      options: {
        // least-request asks one that has failed only once per second: its ejection would take longer to see.
        loadBalancing: { algorithm: 'round-robin' },
        outlierDetection: { baseEjection: '4s', maxEjection: '4s' },
      },
    },
  },
  routes: {
    app: {
      match: { path: '/*' },
      to: 'app',
      timeouts: { attempt: '500ms' },
      retries: { when: ['connect', 'reset', 'timeout', 502, 503, 504] },
    },
  },
  load: [{ name: 'app', path: '/', rate: 300 }],
  phases: [
    { name: 'calm', seconds: [1.5, 5] },
    { name: 'hangs', seconds: [2.5, 3.5], faults: [{ upstream: 'app', endpoint: 0, fault: 'hangs' }] },
    {
      name: 'back',
      seconds: [0, 5],
      faults: [{ upstream: 'app', endpoint: 0, fault: 'none' }],
      until: ({ received }) => received('app', 0) >= 50,
    },
  ],
  misfit: (facts) =>
    unless(
      [facts.endpoints > 1, 'it needs two endpoints'],
      [(facts.limit.attempt ?? Number.POSITIVE_INFINITY) <= 1000, 'timeouts.attempt is not 1 s or less'],
      [retriesAfter(facts, 'timeout'), 'retries do not follow on timeout'],
      [ejects(facts, 3000), 'outlier detection does not eject for 3 s after 10 failures in a row'],
    ),
  expected: [
    HARDLY_ANY_FAILS,
    oneEjection('hangs'),
    atMost('requests that it got before it was ejected', 75, '', (run) => run.received('hangs', 'app', 0)),
    atLeast('requests that it gets after its return', 50, '', (run) => run.received('back', 'app', 0)),
    NOTHING_HELD,
    timeAtMost('p99 in the first second', 1000, 'ms', (run) => run.latency(0.99, 'hangs', 'app', 0, 1000)),
    timeAtMost('p99 after that, to the calm one', 2, 'times', (run) => {
      return run.latency(0.99, 'hangs', 'app', 1000) / run.latency(0.99, 'calm')
    }),
  ],
}
