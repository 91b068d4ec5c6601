import { BODY } from '../drill/endpoint.ts'
import { cutsOff, unless } from '../drill/facts.ts'
import { atLeast, atMost, type DrillScenario, exactly } from '../drill/scenario.ts'
import { NOTHING_HELD } from './expectations.ts'

export const bodiesBreak: DrillScenario = {
  name: 'bodies-break',
  title: 'An upstream breaks its answers midway',
  topology: 'One route, one upstream of three endpoints, 200 idempotent requests per second.',
  fault: 'Each answer has a good head and the first half of its body; then its connection breaks.',
  recovery: 'Answers are whole again; the circuit breaker lets a growing share of the requests through.',
  upstreams: {
    app: { endpoints: 3, serviceMs: 5, options: { outlierDetection: { baseEjection: '1s', maxEjection: '1s' } } },
  },
  routes: {
    app: {
      match: { path: '/*' },
      to: 'app',
      circuitBreaker: { window: '2s', openFor: '1s', maxOpenFor: '1s', halfOpen: { ramp: '1s' } },
    },
  },
  load: [{ name: 'app', path: '/', rate: 200 }],
  phases: [
    { name: 'calm', seconds: [1, 5] },
    { name: 'breaks', seconds: [2, 10], faults: [{ upstream: 'app', fault: 'breaks' }] },
    {
      name: 'back',
      seconds: [0, 2],
      faults: [{ upstream: 'app', fault: 'none' }],
      until: ({ metrics }) => metrics.sum('sluice_breaker_state', { state: 'closed' }) === 1,
    },
    { name: 'after', seconds: [0.5, 5] },
  ],
  misfit: (facts) => unless([cutsOff(facts, 'reset'), 'no circuit breaker opens within 2 s of failures']),
  expected: [
    exactly('broken answers that looked whole to a client', 0, '', (run) => {
      return run.sent().filter(({ status, bytes }) => status === 200 && bytes !== BODY.length).length
    }),
    atLeast('answers that clients saw broken', 1, '', (run) => {
      return run.failed('breaks').filter(({ reason }) => reason === 'broken').length
    }),
    atLeast('openings of the breaker', 1, '', (run) => {
      return run.grown('breaks', 'sluice_breaker_transitions_total', { to: 'open' })
    }),
    atMost('broken answers until it opened, and for each probation', 250, '', (run) => {
      const probations = run.grown('breaks', 'sluice_breaker_transitions_total', { to: 'half_open' })
      return run.failed('breaks').filter(({ reason }) => reason === 'broken').length / (1 + probations)
    }),
    exactly('requests that failed after the recovery', 0, '', (run) => run.failed('after').length),
    NOTHING_HELD,
  ],
}
