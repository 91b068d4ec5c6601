import type { UpstreamConfig } from '../../core/config.ts'
import type { AnyFeature } from '../../core/feature.ts'
import type { Notice } from '../../core/notice.ts'
import type { GaugeReading, Gauges } from '../../core/series.ts'
import type { LastingState, StateTable } from '../../core/state-table.ts'
import type { Log } from '../../lib/log.ts'
import type { Part } from '../contract.ts'
import { labelled } from './lasting.ts'

type StateNotice = Extract<Notice, { kind: 'state' }>

/** Changes of what lasts and of endpoints, from all threads: logged and counted here. */
export class Notices implements Part {
  readonly gauges: Gauges
  private readonly log: Log
  /** By name of the feature. */
  private readonly tables: ReadonlyMap<string, StateTable>
  /** The latest of each, by feature and labels. */
  private readonly states = new Map<string, StateNotice>()
  /** By metric. */
  private readonly changes: ReadonlyMap<string, Map<string, number>>
  private readonly ejections = new Map<string, number>()
  private readonly idleLimits = new Map<string, Extract<Notice, { kind: 'idle-limit' }>>()

  constructor(log: Log, features: readonly AnyFeature[]) {
    this.log = log
    this.tables = new Map(features.flatMap(({ name, states }) => (states === undefined ? [] : [[name, states]])))
    const metrics = Array.from(this.tables.values(), ({ counter }) => counter?.metric).filter(
      (name) => name !== undefined,
    )
    this.changes = new Map(metrics.map((metric) => [metric, new Map()]))
    this.gauges = {
      sluice_ejections_total: () => readings(this.ejections),
      ...Object.fromEntries(Array.from(this.changes, ([metric, counts]) => [metric, () => readings(counts)])),
    }
  }

  take(notice: Notice): void {
    const { kind, ...fields } = notice
    switch (notice.kind) {
      case 'state':
        this.changed(notice, this.tables.get(notice.feature) as StateTable)
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

  /** What was told last of one thing that lasts; undefined: nothing. */
  latest(feature: string, labels: readonly string[]): Pick<StateNotice, 'state' | 'facts'> | undefined {
    return this.states.get(keyOf(feature, labels))
  }

  private changed(notice: StateNotice, table: StateTable): void {
    const { facts, feature, labels, state } = notice
    this.states.set(keyOf(feature, labels), notice)
    const { counter } = table
    if (counter !== undefined)
      add(this.changes.get(counter.metric) as Map<string, number>, counter.labels(labels, state, facts))
    const { level, message } = (table.states[state] as LastingState).log
    this.log[level](message, { ...labelled(table, labels), to: state, ...facts })
  }
}

function keyOf(feature: string, labels: readonly string[]): string {
  return [feature, ...labels].join('\0')
}

function add(counts: Map<string, number>, labels: readonly string[]): void {
  const key = JSON.stringify(labels)
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function* readings(counts: ReadonlyMap<string, number>): Generator<GaugeReading> {
  for (const [key, value] of counts) yield { labels: JSON.parse(key) as string[], value }
}
