import type { UpstreamConfig } from '../../core/config.ts'
import type { FeatureEvent } from '../../core/event.ts'
import type { AnyFeature } from '../../core/feature.ts'
import type { Notice } from '../../core/notice.ts'
import type { GaugeReading, Gauges } from '../../core/series.ts'
import type { LastingState, StateTable } from '../../core/state-table.ts'
import type { Log } from '../../lib/log.ts'
import type { Part } from '../contract.ts'
import { labelled } from './lasting.ts'

type StateNotice = Extract<Notice, { kind: 'state' }>
type EventNotice = Extract<Notice, { kind: 'event' }>

/** Changes of what lasts and of endpoints, from all threads: logged and counted here. */
export class Notices implements Part {
  readonly gauges: Gauges
  private readonly log: Log
  /** By name of the feature. */
  private readonly tables: ReadonlyMap<string, StateTable>
  /** The same. */
  private readonly events: ReadonlyMap<string, AnyFeature['events']>
  /** The latest of each, by feature and labels. */
  private readonly states = new Map<string, StateNotice>()
  /** By metric. */
  private readonly changes: ReadonlyMap<string, Map<string, number>>
  private readonly idleLimits = new Map<string, Extract<Notice, { kind: 'idle-limit' }>>()

  constructor(log: Log, features: readonly AnyFeature[]) {
    this.log = log
    this.tables = new Map(features.flatMap(({ name, states }) => (states === undefined ? [] : [[name, states]])))
    this.events = new Map(features.map(({ events, name }) => [name, events]))
    const counting = [...this.tables.values(), ...features.flatMap(({ events = {} }) => Object.values(events))]
    this.changes = new Map(
      counting.flatMap(({ counter }) => (counter === undefined ? [] : [[counter.metric, new Map()]])),
    )
    this.gauges = Object.fromEntries(Array.from(this.changes, ([metric, counts]) => [metric, () => readings(counts)]))
  }

  take(notice: Notice): void {
    const { kind, ...fields } = notice
    switch (notice.kind) {
      case 'state':
        this.changed(notice, this.tables.get(notice.feature) as StateTable)
        return
      case 'event':
        this.told(notice, this.events.get(notice.feature)?.[notice.event] as FeatureEvent)
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
    if (counter !== undefined) this.count(counter.metric, counter.labels(labels, state, facts))
    const { level, message } = (table.states[state] as LastingState).log
    this.log[level](message, { ...labelled(table, labels), to: state, ...facts })
  }

  private told({ facts }: EventNotice, { counter, log }: FeatureEvent): void {
    if (counter !== undefined) this.count(counter.metric, counter.labels(facts))
    this.log[log.level](log.message, facts)
  }

  private count(metric: string, labels: readonly string[]): void {
    const counts = this.changes.get(metric) as Map<string, number>
    const key = JSON.stringify(labels)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
}

function keyOf(feature: string, labels: readonly string[]): string {
  return [feature, ...labels].join('\0')
}

function* readings(counts: ReadonlyMap<string, number>): Generator<GaugeReading> {
  for (const [key, value] of counts) yield { labels: JSON.parse(key) as string[], value }
}
