import { systemClock } from '../../../src/lib/clock.ts'
import { type Length, runDrill } from '../../../src/tools/drill/drill.ts'
import { Metrics } from '../../../src/tools/drill/metrics.ts'
import type { DrillRun } from '../../../src/tools/drill/run.ts'
import { type DrillScenario, exactly, timeAtMost } from '../../../src/tools/drill/scenario.ts'
import { NOTHING_HELD } from '../../../src/tools/scenarios/expectations.ts'
import { startSluice } from '../../kit/sluice.ts'
import { Crowd } from '../crowd.ts'
import { atLength, configOf, withEndpoints } from '../stage.ts'

/** More than there are permits and connections by default. */
export const CLIENTS = 1100
/** In the test suite, with a tenth of both. */
const FEWER = 110
const FEWER_PERMITS = { bulkhead: { maxConcurrent: 102 } }
const FEWER_CONNECTIONS = { connections: { max: 102, maxWaiting: 8 } }

export const slowClients: DrillScenario = {
  name: 'slow-clients',
  title: 'More slow clients than there are permits and connections',
  topology:
    'One route and one upstream of one endpoint with the default limits (1,024 permits and connections), 50 idempotent requests per second from another address.',
  fault: `${CLIENTS} clients come within a second. 50 of them read nothing of an answer of 8 MB, the others send the head of an upload and nothing of its body.`,
  recovery:
    'None is needed: uploads that do not come wait in the memory of the gateway, without a permit or a connection, and what is held by those that do not read is more than others need. Then they leave.',
  upstreams: { app: { endpoints: 1, serviceMs: 5, largeBytes: 8_000_000 } },
  routes: { app: { match: { path: '/*' }, to: 'app' } },
  load: [{ name: 'app', path: '/', rate: 50, from: '127.0.0.2' }],
  phases: [
    { name: 'calm', seconds: [1, 3] },
    { name: 'open', seconds: [8, 15], act: 'come' },
    { name: 'left', seconds: [0.5, 3], act: 'leave' },
  ],
  misfit: () => 'it needs slow clients',
  expected: [
    exactly('requests that failed before', 0, '', (run) => run.failedInside('calm').length),
    exactly('requests that failed from then on', 0, '', (run) => run.failed('open').length + run.failed('left').length),
    exactly('openings of the breaker', 0, '', (run) => run.end.sum('sluice_breaker_transitions_total')),
    exactly('ejections', 0, '', (run) => run.end.sum('sluice_ejections_total')),
    NOTHING_HELD,
    timeAtMost('p99 from then on, to the calm one', 3, 'times', (run) => {
      return run.latency(0.99, 'open') / run.latency(0.99, 'calm')
    }),
  ],
}

export function playSlowClients(length: Length): Promise<DrillRun> {
  const scenario = length === 'full' ? slowClients : fewer(slowClients)
  return withEndpoints(scenario, async (endpoints, concurrency) => {
    const sluice = await startSluice(configOf(scenario, endpoints, length))
    const crowd = new Crowd(sluice.port())
    try {
      const acts = {
        come: () => void crowd.come(length === 'full' ? CLIENTS : FEWER),
        leave: () => crowd.leave(),
      }
      const scrape = async (): Promise<Metrics> => new Metrics((await sluice.probe('/metrics')).body)
      const stage = { port: sluice.port(), endpoints, concurrency, scrape, acts }
      return await runDrill(atLength(scenario, length), stage, systemClock, length)
    } finally {
      crowd.leave()
      await sluice.stop()
    }
  })
}

function fewer(scenario: DrillScenario): DrillScenario {
  const app = { ...(scenario.upstreams.app as DrillScenario['upstreams'][string]), options: FEWER_CONNECTIONS }
  return { ...scenario, upstreams: { app }, routes: { app: { ...scenario.routes.app, ...FEWER_PERMITS } } }
}
