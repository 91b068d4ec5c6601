import { systemClock } from '../../../src/lib/clock.ts'
import { type Length, runDrill } from '../../../src/tools/drill/drill.ts'
import { Metrics } from '../../../src/tools/drill/metrics.ts'
import type { DrillRun } from '../../../src/tools/drill/run.ts'
import { atMost, type DrillScenario, exactly } from '../../../src/tools/drill/scenario.ts'
import { NOTHING_HELD } from '../../../src/tools/scenarios/expectations.ts'
import { hookedGateway } from '../../kit/gateway.ts'
import { atLength, configOf, withEndpoints } from '../stage.ts'

/** Gateway, endpoints and load are one process here. */
const SHORT_LOAD = 5
const RESTARTS = 'sluice_worker_restarts_total'

export const workerEnds: DrillScenario = {
  name: 'worker-ends',
  title: 'A worker thread ends while endpoints fail',
  topology:
    'Two workers, two routes. One upstream of three endpoints with 200 idempotent requests per second, and one of a single endpoint with 50.',
  fault:
    'One of the three endpoints answers 503 to everything, and so does the single one: the first is ejected, the breaker of the other opens. Then a worker ends.',
  recovery: 'The other worker goes on. A new one takes its place and finds ejection and open breaker as they were.',
  upstreams: {
    app: { endpoints: 3, serviceMs: 5, options: { outlierDetection: { baseEjection: '60s' } } },
    sick: { endpoints: 1, serviceMs: 5 },
  },
  routes: {
    app: { match: { path: '/app' }, to: 'app' },
    sick: { match: { path: '/sick' }, to: 'sick', circuitBreaker: { openFor: '60s' } },
  },
  load: [
    { name: 'app', path: '/app', rate: 200 },
    { name: 'sick', path: '/sick', rate: 50 },
  ],
  phases: [
    {
      name: 'storm',
      seconds: [1, 3],
      faults: [
        { upstream: 'app', endpoint: 0, fault: 'fails' },
        { upstream: 'sick', fault: 'fails' },
      ],
      until: ({ metrics }) =>
        metrics.sum('sluice_breaker_state', { route: 'sick', state: 'open' }) === 1 &&
        metrics.sum('sluice_requests_in_flight', { route: 'sick' }) === 0 &&
        metrics.sum('sluice_upstream_endpoints', { upstream: 'app', state: 'ejected' }) === 1,
    },
    { name: 'death', seconds: [1, 5], act: 'end', until: ({ metrics }) => metrics.sum(RESTARTS) === 1 },
    { name: 'after', seconds: [1.5, 5] },
  ],
  misfit: () => 'it needs hooks of tests',
  expected: [
    exactly('workers replaced', 1, '', (run) => run.end.sum(RESTARTS)),
    atMost('requests of the route that works that failed', 10, '', (run) => run.failed(undefined, 'app').length),
    exactly('of these, after the death', 0, '', (run) => run.failed('after', 'app').length),
    exactly('requests that the ejected endpoint gets', 0, '', (run) => {
      return run.received('death', 'app', 0) + run.received('after', 'app', 0)
    }),
    exactly('requests that pass the open breaker', 0, '', (run) => {
      return run.received('death', 'sick', 0) + run.received('after', 'sick', 0)
    }),
    NOTHING_HELD,
  ],
}

/** The gateway runs in this process: a thread of another one cannot be ended from here. */
export function playWorkerEnds(length: Length): Promise<DrillRun> {
  return withEndpoints(workerEnds, async (endpoints, concurrency) => {
    const gateway = await hookedGateway(configOf(workerEnds, endpoints, length))
    try {
      const acts = { end: () => gateway.gateway.hook(0, 'exit') }
      const stage = {
        port: gateway.port,
        endpoints,
        concurrency,
        scrape: async () => new Metrics(await gateway.metrics()),
        acts,
      }
      return await runDrill(atLength(workerEnds, length, SHORT_LOAD), stage, systemClock, length)
    } finally {
      await gateway.stop()
    }
  })
}
