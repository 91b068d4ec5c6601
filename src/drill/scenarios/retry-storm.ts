import type { PhaseSeen, Run } from '../run.ts'
import { atMost, type DrillScenario, exactly } from '../scenario.ts'
import { NOTHING_HELD } from './common.ts'

const FLOOR = 10

/** Tries a request, without those that the floor of the budget allows. */
function amplification(run: Run): number {
  const { from, to, before, after }: PhaseSeen = run.phase('fails')
  const grown = (metric: string): number => after.sum(metric) - before.sum(metric)
  const floor = (FLOOR * (to - from)) / 1000
  return (grown('sluice_attempts_total') - floor) / grown('sluice_requests_total')
}

export const retryStorm: DrillScenario = {
  name: 'retry-storm',
  title: 'Every try fails while retries are on',
  topology:
    'One route with up to three further tries and without circuit breaker, one upstream of three endpoints, 300 idempotent requests a second.',
  fault: 'All endpoints answer 503 to everything.',
  recovery: 'They work again. Nothing has been learned that would keep requests from them.',
  upstreams: { app: { endpoints: 3, serviceMs: 5 } },
  routes: { app: { match: { path: '/*' }, to: 'app', circuitBreaker: 'off', retries: { maxExtra: 3 } } },
  load: [{ name: 'app', path: '/', rate: 300 }],
  phases: [
    { name: 'calm', seconds: [1, 12] },
    { name: 'fails', seconds: [3, 10], faults: [{ upstream: 'app', fault: 'fails' }] },
    { name: 'back', seconds: [1, 5], faults: [{ upstream: 'app', fault: 'none' }] },
  ],
  expected: [
    atMost(`tries a request while all fail, beyond the floor of ${FLOOR} a second`, 1.2, '', amplification),
    exactly('requests that failed before', 0, '', (run) => run.failed('calm').length),
    exactly('requests that fail 1 s after it', 0, '', (run) => run.failed('back', 'app', 1000).length),
    NOTHING_HELD,
  ],
}
