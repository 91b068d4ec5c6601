import type { UpstreamConfig } from '../../core/config.ts'
import type { Notice } from '../../core/notice.ts'
import type { GaugeReading, Gauges } from '../../core/series.ts'
import type { Log } from '../../lib/log.ts'
import type { Part } from '../contract.ts'

/** Changes of breakers and endpoints, from all threads: logged and counted here. */
export class Notices implements Part {
  readonly gauges: Gauges = {
    sluice_breaker_transitions_total: () => readings(this.transitions),
    sluice_ejections_total: () => readings(this.ejections),
  }
  private readonly log: Log
  private readonly transitions = new Map<string, number>()
  private readonly ejections = new Map<string, number>()
  private readonly idleLimits = new Map<string, Extract<Notice, { kind: 'idle-limit' }>>()

  constructor(log: Log) {
    this.log = log
  }

  take(notice: Notice): void {
    const { kind, ...fields } = notice
    switch (notice.kind) {
      case 'breaker':
        add(this.transitions, [notice.route, notice.upstream, notice.to])
        if (notice.to === 'open') this.log.warn('a circuit breaker opened', fields)
        else this.log.info('a circuit breaker changed', fields)
        return
      case 'ejected':
        add(this.ejections, [notice.upstream, notice.cause, notice.mode])
        if (notice.mode === 'enforce') this.log.warn('endpoint ejected', fields)
        else this.log.warn('endpoint would be ejected', fields)
        return
      case 'idle-limit': {
        // Every worker learns it for every endpoint: once is enough.
        const { keepAliveMs, upstream } = notice
        if (this.idleLimits.get(upstream)?.keepAliveMs === keepAliveMs) return
        this.idleLimits.set(upstream, notice)
        this.log.warn('an upstream ends idle connections sooner than connections.keepAlive', fields)
        return
      }
      case 'malformed':
        this.log.warn('an upstream sent a malformed answer', fields)
        return
      default:
        this.log.info('endpoint is back on probation', fields)
    }
  }

  /**
   * Milliseconds after which an upstream ends idle connections, if sooner than Sluice would; undefined: not as far as is
   * known.
   */
  idleLimit({ connections, name }: UpstreamConfig): number | undefined {
    const known = this.idleLimits.get(name)
    return known?.keepAliveMs === connections.keepAlive ? known.ms : undefined
  }
}

function add(counts: Map<string, number>, labels: readonly string[]): void {
  const key = JSON.stringify(labels)
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function* readings(counts: ReadonlyMap<string, number>): Generator<GaugeReading> {
  for (const [key, value] of counts) yield { labels: JSON.parse(key) as string[], value }
}
