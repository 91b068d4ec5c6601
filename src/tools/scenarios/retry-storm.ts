import { retriesAfter, unless } from '../drill/facts.ts'
import type { DrillRun } from '../drill/run.ts'
import { atMost, type DrillScenario, exactly } from '../drill/scenario.ts'
import { NOTHING_HELD } from './expectations.ts'

const FLOOR = 100

/**
 * Attempts per request, without those that the floor of the budget allows. The budget looks back over the calm phase, too.
 */
function amplification(run: DrillRun): number {
  const { from, to } = run.phase('fails')
  const floor = FLOOR * Math.ceil((to - from) / 10_000)
  const received = ['calm', 'fails'].flatMap((phase) => run.phase(phase).received.app ?? [])
  const requests = run.sent().filter(({ dueAt }) => dueAt < to)
  return (received.reduce((a, b) => a + b) - floor) / requests.length
}

export const retryStorm: DrillScenario = {
  name: 'retry-storm',
  title: 'Every attempt fails while retries are on',
  topology:
    'One route with up to three further attempts and without circuit breaker, one upstream of three endpoints, 300 idempotent requests per second.',
  fault: 'All endpoints answer 503 to everything.',
  recovery: 'They work again. Nothing has been learned that would keep requests from them.',
  upstreams: { app: { endpoints: 3, serviceMs: 5 } },
  routes: { app: { match: { path: '/*' }, to: 'app', circuitBreaker: 'off', retries: { maxExtra: 3 } } },
  load: [{ name: 'app', path: '/', rate: 300 }],
  phases: [
    { name: 'calm', seconds: [1, 2] },
    { name: 'fails', seconds: [3, 15], faults: [{ upstream: 'app', fault: 'fails' }] },
    { name: 'back', seconds: [1, 5], faults: [{ upstream: 'app', fault: 'none' }] },
  ],
  misfit: (facts) =>
    unless(
      [retriesAfter(facts, 503), 'retries do not follow on 503'],
      [facts.cutOffs.length === 0, 'its circuit breaker opens first'],
      [facts.furtherShare <= 0.2, 'its retry budget is more than 20 %'],
    ),
  expected: [
    atMost(`attempts per request, beyond the floor of ${FLOOR} in 10 s`, 1.2, '', amplification),
    exactly('requests that failed before', 0, '', (run) => run.failedInside('calm').length),
    exactly('requests that fail 1 s after it', 0, '', (run) => run.failed('back', 'app', 1000).length),
    NOTHING_HELD,
  ],
}
