import type { UpstreamEndpoints } from '../../core/protocol.ts'
import type { WorkerMetrics } from '../../core/series.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { KeptState } from '../../stores/kept-state.ts'
import type { CellRegistry } from '../registry/registry.ts'
import type { EndpointBook } from './book.ts'
import { DRAIN_ORDER, EndpointDrains } from './drains.ts'
import { EndpointMarks } from './marks.ts'
import { RecoveryWatch } from './recovery.ts'
import { countStates } from './state.ts'

export interface EndpointCareOptions {
  readonly book: EndpointBook
  readonly registry: CellRegistry
  /** Of the control plane. */
  readonly metrics: WorkerMetrics
  /** What outlives the process. */
  readonly kept: Pick<KeptState, 'map'>
  readonly clock: Clock
  readonly log: Log
}

/** What the control plane does for endpoints besides finding them: drain, recovery times. */
export class EndpointCare {
  readonly drains: EndpointDrains
  private readonly book: EndpointBook
  private readonly registry: CellRegistry
  private readonly marks: EndpointMarks
  private readonly recovery: RecoveryWatch

  constructor({ book, registry, kept, metrics, clock, log }: EndpointCareOptions) {
    this.book = book
    this.registry = registry
    this.marks = new EndpointMarks((ref) => registry.words(ref), clock)
    const orders = kept.map('drains', DRAIN_ORDER)
    this.drains = new EndpointDrains({ book, registry, marks: this.marks, orders, clock, log })
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
    this.recovery.look()
  }

  /** The state of an endpoint has changed. */
  look(): void {
    this.recovery.look()
  }

  close(): void {
    this.recovery.close()
  }
}
