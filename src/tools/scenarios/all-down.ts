import { cutsOff, mostProbes, unless } from '../drill/facts.ts'
import { atLeast, atMost, type DrillScenario, exactly, timeAtMost } from '../drill/scenario.ts'
import { NOTHING_HELD } from './expectations.ts'

const PROBES = 5
const OF_APP = { upstream: 'app' }

export const allDown: DrillScenario = {
  name: 'all-down',
  title: 'All endpoints of an upstream are down, then back',
  topology: 'One route, one upstream of three endpoints that need 40 ms, 250 idempotent requests per second.',
  fault: 'All endpoints close their ports and connections.',
  recovery:
    'All come back at once. The next probes of the circuit breaker are good, then it admits a growing share of the requests, so that nothing piles up on endpoints that have just come up.',
  upstreams: {
    app: {
      endpoints: 3,
      serviceMs: 40,
      options: { outlierDetection: { baseEjection: '500ms', maxEjection: '500ms' } },
    },
  },
  routes: {
    app: {
      match: { path: '/*' },
      to: 'app',
      circuitBreaker: { window: '2s', openFor: '1s', maxOpenFor: '1s', halfOpen: { attempts: PROBES, ramp: '1s' } },
    },
  },
  load: [{ name: 'app', path: '/', rate: 250 }],
  phases: [
    { name: 'calm', seconds: [2, 8] },
    {
      name: 'finding-out',
      seconds: [0, 0],
      faults: [{ upstream: 'app', fault: 'down' }],
      until: ({ metrics }) => metrics.sum('sluice_breaker_state', { ...OF_APP, state: 'open' }) === 1,
    },
    { name: 'open', seconds: [2, 8] },
    {
      name: 'back',
      seconds: [2.5, 5],
      faults: [{ upstream: 'app', fault: 'none' }],
      until: ({ metrics }) => metrics.sum('sluice_breaker_state', { ...OF_APP, state: 'closed' }) === 1,
    },
    { name: 'after', seconds: [1, 5] },
  ],
  misfit: (facts) =>
    unless(
      [cutsOff(facts, 'connect'), 'no circuit breaker opens within 2 s of failures'],
      [mostProbes(facts) <= PROBES, `it has more than ${PROBES} probes`],
    ),
  expected: [
    exactly('requests that failed before', 0, '', (run) => run.failedInside('calm').length),
    atLeast('openings of the breaker', 1, '', (run) => {
      return run.grown('finding-out', 'sluice_breaker_transitions_total', { ...OF_APP, to: 'open' })
    }),
    atMost('attempts while it is open, for each probation', PROBES, '', (run) => {
      const probations = run.grown('open', 'sluice_breaker_transitions_total', { ...OF_APP, to: 'half_open' })
      return run.attempts('open') / Math.max(1, probations)
    }),
    exactly('requests that failed after the recovery', 0, '', (run) => run.failed('after').length),
    NOTHING_HELD,
    timeAtMost('median of the answers while it is open, to the healthy one', 1, 'times', (run) => {
      return run.latency(0.5, 'open') / run.latency(0.5, 'calm')
    }),
    timeAtMost('until the first good answer', 2200, 'ms', (run) => run.firstGood('back')),
    timeAtMost(
      'the most requests at a time that the upstream has in the recovery, to the calm',
      1.2,
      'times',
      (run) => {
        return (run.phase('back').peak.app ?? 0) / (run.phase('calm').peak.app ?? 0)
      },
    ),
  ],
}
