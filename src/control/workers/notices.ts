import type { UpstreamConfig } from '../../core/config.ts'
import type { FactValue } from '../../core/decision.ts'
import type { FeatureEvent } from '../../core/event.ts'
import type { AnyFeature } from '../../core/feature.ts'
import type { Notice } from '../../core/notice.ts'
import type { GaugeReading, Gauges } from '../../core/series.ts'
import type { LastingState, ToldStates } from '../../core/state-table.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Part } from '../contract.ts'
import { labelled } from './lasting.ts'

type StateNotice = Extract<Notice, { kind: 'state' }>
type EventNotice = Extract<Notice, { kind: 'event' }>

/** What was told of the latest change of something that lasts; `at`: milliseconds since the epoch. */
export type ToldChange = Pick<StateNotice, 'state' | 'facts'> & { readonly at: number }

/** A change of what lasts, as a program is told of it. */
export interface StateChange {
  readonly feature: string
  /** What has changed, by the names of its labels: a route, an upstream, an endpoint. */
  readonly labels: Readonly<Record<string, string>>
  /** The state that it is in now. */
  readonly state: string
  /** What that means, for people. */
  readonly message: string
  /** Why it came, and what follows. */
  readonly facts: Readonly<Record<string, FactValue>>
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Endpoints come and go: what was told longest ago is forgotten first. */
const MOST_TOLD = 10_000

/** Changes of what lasts and of endpoints, from all threads: logged and counted here. */
export class Notices implements Part {
  private readonly log: Log
  private readonly tell: (change: StateChange) => void
  private readonly clock: Pick<Clock, 'wall'>
  private readonly features: readonly AnyFeature[]
  /** The latest of each, by feature and labels. */
  private readonly states = new Map<string, ToldChange>()
  /** By metric. */
  private readonly changes = new Map<string, Map<string, number>>()
  private readonly idleLimits = new Map<string, Extract<Notice, { kind: 'idle-limit' }>>()

  constructor(
    log: Log,
    clock: Pick<Clock, 'wall'>,
    features: readonly AnyFeature[],
    tell: (change: StateChange) => void = () => {},
  ) {
    this.log = log
    this.tell = tell
    this.clock = clock
    this.features = features
  }

  get gauges(): Gauges {
    const metrics = this.features.flatMap(({ events = {}, ...told }) =>
      [statesOf(told), ...Object.values(events)].flatMap((one) => one?.counter?.metric ?? []),
    )
    return Object.fromEntries(metrics.map((metric) => [metric, () => readings(this.changes.get(metric) ?? new Map())]))
  }

  take(notice: Notice): void {
    const { kind, ...fields } = notice
    switch (notice.kind) {
      case 'state': {
        const table = statesOf(this.named(notice.feature))
        const state = table?.states[notice.state]
        if (table === undefined || state === undefined) this.undeclared(notice)
        else this.changed(notice, table, state)
        return
      }
      case 'event': {
        const event = this.named(notice.feature)?.events?.[notice.event]
        if (event === undefined) this.undeclared(notice)
        else this.told(notice, event)
        return
      }
      case 'idle-limit': {
        // Every worker learns it for every endpoint: once is enough.
        const { keepAliveMs, upstream } = notice
        if (this.idleLimits.get(upstream)?.keepAliveMs === keepAliveMs) return
        this.idleLimits.set(upstream, notice)
        this.log.warn('an upstream ends idle connections sooner than connections.keepAlive', fields)
        return
      }
      case 'slow-plugin':
        this.log.warn('a plug-in holds up a worker: no other request goes on meanwhile', fields)
        return
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
  latest(feature: string, labels: readonly string[]): ToldChange | undefined {
    return this.states.get(keyOf(feature, labels))
  }

  private named(feature: string): AnyFeature | undefined {
    return this.features.find(({ name }) => name === feature)
  }

  /** By a plug-in, or by one that is not part of the live config any more. */
  private undeclared({ kind, ...fields }: StateNotice | EventNotice): void {
    this.log.warn(`a feature tells of a ${kind} that it does not declare`, fields)
  }

  private changed(
    { facts, feature, labels, since, state }: StateNotice,
    table: ToldStates,
    { log: { level, message } }: LastingState,
  ): void {
    const key = keyOf(feature, labels)
    this.states.delete(key)
    const at = since ?? this.clock.wall()
    this.states.set(key, { state, facts, at })
    if (this.states.size > MOST_TOLD) this.states.delete(this.states.keys().next().value as string)
    const { counter } = table
    const counted = counter?.labels(labels, state, facts)
    if (counter !== undefined && counted !== undefined) this.count(counter.metric, counted)
    const named = labelled(table, labels)
    this.log[level](message, { ...named, to: state, ...facts })
    this.tell({ feature, labels: named, state, message, facts, at })
  }

  private told({ facts }: EventNotice, { counter, log }: FeatureEvent): void {
    if (counter !== undefined) this.count(counter.metric, counter.labels(facts))
    this.log[log.level](log.message, facts)
  }

  private count(metric: string, labels: readonly string[]): void {
    const counts = this.changes.getOrInsertComputed(metric, () => new Map())
    const key = JSON.stringify(labels)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
}

function statesOf(feature: Pick<AnyFeature, 'states' | 'endpointStates'> | undefined): ToldStates | undefined {
  return feature?.states ?? feature?.endpointStates
}

function keyOf(feature: string, labels: readonly string[]): string {
  return [feature, ...labels].join('\0')
}

function* readings(counts: ReadonlyMap<string, number>): Generator<GaugeReading> {
  for (const [key, value] of counts) yield { labels: JSON.parse(key) as string[], value }
}
