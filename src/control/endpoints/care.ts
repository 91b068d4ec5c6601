import type { ResolvedEndpoint, UpstreamEndpoints } from '../../core/protocol.ts'
import type { WorkerMetrics } from '../../core/series.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { Slots } from '../../lib/slots.ts'
import type { CellRegistry } from '../registry/registry.ts'
import type { EndpointBook } from './book.ts'
import { EndpointDrains } from './drains.ts'
import { healthChecks } from './health/checks.ts'
import { HealthMonitor } from './health/monitor.ts'
import { EndpointMarks } from './marks.ts'
import { RecoveryWatch } from './recovery.ts'
import { countStates } from './state.ts'

const CHECKS_AT_ONCE = 256

export interface EndpointCareOptions {
  readonly book: EndpointBook
  readonly registry: CellRegistry
  /** Of the control plane. */
  readonly metrics: WorkerMetrics
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** An endpoint has passed a health check. */
  readonly passed: (upstream: string, endpoint: ResolvedEndpoint) => void
}

/** What the control plane does for endpoints besides finding them: health checks, drain, recovery times. */
export class EndpointCare {
  readonly drains: EndpointDrains
  private readonly book: EndpointBook
  private readonly registry: CellRegistry
  private readonly marks: EndpointMarks
  private readonly health: HealthMonitor
  private readonly recovery: RecoveryWatch

  constructor({ book, registry, metrics, clock, random, log, passed }: EndpointCareOptions) {
    this.book = book
    this.registry = registry
    this.marks = new EndpointMarks((ref) => registry.words(ref), clock)
    this.drains = new EndpointDrains({ book, registry, marks: this.marks, log })
    this.health = new HealthMonitor({
      checks: healthChecks(clock),
      slots: new Slots(CHECKS_AT_ONCE),
      clock,
      random,
      log,
      mark: (cells, healthy) => {
        this.marks.setHealthy(cells, healthy)
        this.recovery.look()
      },
      checked: (upstream, endpoint, result) => {
        metrics.counter('sluice_health_checks_total', [upstream, result]).inc()
        if (result === 'ok') passed(upstream, endpoint)
      },
    })
    this.recovery = new RecoveryWatch({
      clock,
      upstreams: () => Array.from(book.upstreams, ({ set }) => [set.upstream, this.isUp(set)] as const),
      recovered: (upstream, seconds) => metrics.histogram('sluice_recovery_seconds', [upstream]).observe(seconds),
    })
  }

  /** Whether the upstream has a usable endpoint. */
  isUp(set: UpstreamEndpoints): boolean {
    return countStates(this.registry, set).get('usable') !== 0
  }

  /** Endpoints came or went. */
  follow(): void {
    this.marks.arrived(Array.from(this.book.upstreams, ({ set }) => set))
    this.drains.renew()
    this.health.sync(this.book.upstreams)
    this.recovery.look()
  }

  close(): void {
    this.health.close()
    this.recovery.close()
  }
}
