import { unless } from '../drill/facts.ts'
import { type DrillScenario, exactly, timeAtMost } from '../drill/scenario.ts'
import { NOTHING_HELD } from './expectations.ts'

export const endpointSlow: DrillScenario = {
  name: 'endpoint-slow',
  title: 'One endpoint of several becomes 50 times slower',
  topology: 'One route, one upstream of three endpoints balanced by peak-ewma, 300 idempotent requests per second.',
  fault: 'One endpoint takes 250 ms for what takes the others 5 ms. It does not fail, so nothing ejects it.',
  recovery: 'It is as fast as before. It gets requests again as what was learnt of it fades.',
  upstreams: {
    app: { endpoints: 3, serviceMs: 5, options: { loadBalancing: { algorithm: 'peak-ewma' } } },
  },
  routes: { app: { match: { path: '/*' }, to: 'app' } },
  load: [{ name: 'app', path: '/', rate: 300 }],
  phases: [
    { name: 'calm', seconds: [1.5, 5] },
    { name: 'slow', seconds: [3, 6], faults: [{ upstream: 'app', endpoint: 0, fault: { slowMs: 245 } }] },
    { name: 'back', seconds: [0.5, 2], faults: [{ upstream: 'app', endpoint: 0, fault: 'none' }] },
  ],
  misfit: ({ algorithm, endpoints }) =>
    unless([endpoints > 2, 'it needs three endpoints'], [algorithm === 'peak-ewma', 'the algorithm is not peak-ewma']),
  expected: [
    exactly('requests that failed', 0, '', (run) => run.failed().length),
    // The balancer goes by times: the share is one of what was measured.
    timeAtMost('of the requests meanwhile, it gets', 1, '%', (run) => {
      return (100 * run.received('slow', 'app', 0)) / run.sent('slow').length
    }),
    NOTHING_HELD,
    timeAtMost('p99 meanwhile, to the calm one', 3, 'times', (run) => {
      return run.latency(0.99, 'slow') / run.latency(0.99, 'calm')
    }),
  ],
}
