import { type DrillRun, latencyOf } from '../drill/run.ts'
import { atLeast, atMost, type DrillScenario, exactly, timeAtMost } from '../drill/scenario.ts'
import { NOTHING_HELD } from './expectations.ts'

const SLOTS = 4
const SERVICE_MS = 20
const PERMITS = 6
const MAX_WAIT_MS = 200
const REFUSED = 1000

export const loadSurge: DrillScenario = {
  name: 'overload',
  title: 'Five times the load that an upstream can take',
  topology: [
    `One route, one upstream of two endpoints, each with ${SLOTS / 2} threads that take ${SERVICE_MS} ms a request:`,
    `at most 200 requests per second. The bulkhead lets ${PERMITS} requests through at a time, 30 wait.`,
  ].join(' '),
  fault: 'The load grows from 100 to 1,000 idempotent requests per second.',
  recovery: 'The load is 100 requests per second again.',
  upstreams: { app: { endpoints: 2, serviceMs: SERVICE_MS, threads: SLOTS / 2 } },
  routes: {
    app: {
      match: { path: '/*' },
      to: 'app',
      bulkhead: { maxConcurrent: PERMITS, queue: { size: 30, maxWait: `${MAX_WAIT_MS}ms` } },
    },
  },
  load: [
    { name: 'app', path: '/', rate: 100 },
    { name: 'more', path: '/', rate: 900, only: ['surge', 'overload'] },
  ],
  phases: [
    { name: 'calm', seconds: [1, 4] },
    { name: 'surge', seconds: [1, 15] },
    // The surge has fewer refusals than this phase must have.
    {
      name: 'overload',
      seconds: [2, 15],
      until: ({ metrics }) => metrics.sum('sluice_rejections_total', { route: 'app' }) >= 2 * REFUSED,
    },
    { name: 'after', seconds: [1, 4] },
  ],
  misfit: () => 'it needs to know what the upstream can take',
  expected: [
    exactly('requests that failed before', 0, '', (run) => run.failed('calm').length),
    exactly('requests that failed later than 500 ms after', 0, '', (run) => run.failed('after', 'app', 500).length),
    atMost('requests that the upstream has at a time', PERMITS, '', (run) => run.phase('overload').peak.app ?? 0),
    exactly('work of the upstream without an answer', 0, 'requests', (run) => worked(run) - answered(run)),
    atLeast('requests that are refused', REFUSED, '', (run) => run.failed('overload').length),
    NOTHING_HELD,
    { ...timeAtMost('goodput, of what the upstream can do', 95, '%', goodput), bound: 'least' },
    timeAtMost('p99 of those that are let in: wait and work', MAX_WAIT_MS + 3 * SERVICE_MS, 'ms', admittedP99),
    timeAtMost('growth of memory under overload', 16, 'MiB', (run) => {
      const { before, after } = run.phase('overload')
      const metric = 'process_resident_memory_bytes'
      return (after.sum(metric) - before.sum(metric)) / 1_048_576
    }),
  ],
}

function worked(run: DrillRun): number {
  return (run.allReceived.app ?? []).reduce((sum, count) => sum + count, 0)
}

function answered(run: DrillRun): number {
  return run.outcomes.filter(({ status }) => status === 200).length
}

/** The share of its threads' time in which the upstream worked, all of it for answers that were delivered. */
function goodput(run: DrillRun): number {
  const { from, to, busyMs } = run.phase('overload')
  return (100 * (busyMs.app ?? 0)) / (SLOTS * (to - from))
}

function admittedP99(run: DrillRun): number {
  return latencyOf(
    0.99,
    run.sent('overload').filter(({ status }) => status === 200),
  )
}
