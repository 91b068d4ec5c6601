import { atLeast, type DrillScenario, exactly, within } from '../scenario.ts'
import { HARDLY_ANY_FAILS, NOTHING_HELD } from './common.ts'

export const endpointKilled: DrillScenario = {
  name: 'endpoint-killed',
  title: 'One of three endpoints is killed',
  topology: 'One route, one upstream of three endpoints, 300 idempotent requests a second.',
  fault: 'The process of one endpoint gets SIGKILL: its connections break, its port refuses.',
  recovery:
    'Its process is started again on the same port. As soon as its ejection is over it is tried, and stays in if the try is good.',
  upstreams: {
    app: { endpoints: 3, serviceMs: 5, options: { outlierDetection: { baseEjection: '1s', maxEjection: '1s' } } },
  },
  routes: { app: { match: { path: '/*' }, to: 'app' } },
  load: [{ name: 'app', path: '/', rate: 300 }],
  phases: [
    { name: 'calm', seconds: [1.5, 5] },
    { name: 'killed', seconds: [2.5, 10], faults: [{ upstream: 'app', endpoint: 0, fault: 'killed' }] },
    {
      name: 'back',
      seconds: [0, 5],
      faults: [{ upstream: 'app', endpoint: 0, fault: 'none' }],
      until: ({ tries }) => tries('app', 0) >= 50,
    },
  ],
  expected: [
    HARDLY_ANY_FAILS,
    exactly('of these, later than 1 s after the kill', 0, '', (run) => {
      return run.failed('killed', 'app', 1000).length + run.failed('back').length
    }),
    atLeast('ejections', 1, '', (run) => run.grown('killed', 'sluice_ejections_total', { upstream: 'app' })),
    atLeast('requests that it gets after its return', 50, '', (run) => run.tries('back', 'app', 0)),
    NOTHING_HELD,
    within('p99 while it is gone, to the calm one', 2, 'times', (run) => {
      return run.latency(0.99, 'killed', 'app', 1000) / run.latency(0.99, 'calm')
    }),
  ],
}
