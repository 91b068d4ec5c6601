import { createRing } from '../../src/cells/ring.ts'
import type { CellRegistry } from '../../src/control/registry/registry.ts'
import { Notices } from '../../src/control/workers/notices.ts'
import type { SupervisorOptions } from '../../src/control/workers/supervisor.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'

interface SetUp {
  readonly clock: Clock
  readonly log: Log
  readonly registry: CellRegistry
  readonly workers: number
}

/** What a supervisor needs besides a way to start workers, and tells to no one. */
export function supervisorOptions({ clock, log, registry, workers }: SetUp): Omit<SupervisorOptions, 'startWorker'> {
  return {
    state: undefined,
    plugins: [],
    reads: [],
    workers,
    conversations: [],
    goesWithout: () => {},
    registry,
    rings: Array.from({ length: registry.workers }, createRing),
    metrics: { addPage: () => {}, series: () => {}, fold: () => {} },
    notices: new Notices(log, clock, []),
    flights: () => {},
    tapped: () => {},
    spans: () => {},
    requestsLost: () => {},
    limits: {},
    reusePort: true,
    earlyCollection: false,
    testHooks: true,
    clock,
    log,
    onLost: () => {},
  }
}
