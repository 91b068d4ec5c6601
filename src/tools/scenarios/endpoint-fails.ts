import { ejects, retriesAfter, unless } from '../drill/facts.ts'
import { atLeast, atMost, type DrillScenario, timeAtMost } from '../drill/scenario.ts'
import { HARDLY_ANY_FAILS, NOTHING_HELD, oneEjection } from './expectations.ts'

export const endpointFails: DrillScenario = {
  name: 'endpoint-fails',
  title: 'One endpoint of several answers 503 to everything',
  topology: 'One route, one upstream of three endpoints, 300 idempotent requests per second.',
  fault: 'One endpoint answers every request with 503, faster than the others do their work.',
  recovery: 'It works again. When its ejection is over it gets one attempt, and stays in if that succeeds.',
  upstreams: {
    app: {
      endpoints: 3,
      serviceMs: 5,
      options: {
        // least-request asks one that has failed only once per second: its ejection would take longer to see.
        loadBalancing: { algorithm: 'round-robin' },
        outlierDetection: { baseEjection: '3s', maxEjection: '3s' },
      },
    },
  },
  routes: { app: { match: { path: '/*' }, to: 'app' } },
  load: [{ name: 'app', path: '/', rate: 300 }],
  phases: [
    { name: 'calm', seconds: [1.5, 5] },
    { name: 'fails', seconds: [2, 2.5], faults: [{ upstream: 'app', endpoint: 0, fault: 'fails' }] },
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
      [retriesAfter(facts, 503), 'retries do not follow on 503'],
      [ejects(facts, 2500), 'outlier detection does not eject for 2.5 s after 10 failures in a row'],
    ),
  expected: [
    HARDLY_ANY_FAILS,
    oneEjection('fails'),
    atMost('requests that it got before it was ejected', 20, '', (run) => run.received('fails', 'app', 0)),
    atLeast('requests that it gets after its return', 50, '', (run) => run.received('back', 'app', 0)),
    NOTHING_HELD,
    timeAtMost('p99 meanwhile, to the calm one', 2, 'times', (run) => {
      return run.latency(0.99, 'fails', 'app', 1000) / run.latency(0.99, 'calm')
    }),
  ],
}
