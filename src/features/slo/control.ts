import type { ControlContext, ControlFeature, ControlHalf } from '../../core/control-feature.ts'
import type { Operation } from '../../core/operation.ts'
import type { GaugeReading, Gauges } from '../../core/series.ts'
import type { ClockHandle } from '../../lib/clock.ts'
import { durationText } from '../../schema/scalars.ts'
import { COUNT, choice, each, NUMBER, record, ref, said, TEXT } from '../../schema/shape.ts'
import type { SloOptions } from './keys.ts'
import type { metrics, ObjectiveKind } from './words.ts'

const DAY_MS = 86_400_000
/** Budgets are for this many days, as the burn rates of the shipped alerts assume. */
const DAYS = 30

/** An objective of a route and its state. Counts are of this process, since its start or for 30 days. */
interface Objective {
  readonly route: string
  readonly objective: ObjectiveKind
  /** Share of the requests that should be good, from 0 to 1. */
  readonly target: number
  /** Latency: time to the head of the answer, such as `300ms`. */
  readonly threshold?: string
  readonly window: string
  readonly good: number
  readonly total: number
  /** Remaining share of the error budget: 1 at first, below 0 when overspent. */
  readonly budgetRemaining: number
}

type SloContext = ControlContext<SloOptions, undefined, typeof metrics>

interface Counts {
  readonly good: number
  readonly bad: number
}

type Stated = Pick<Objective, 'route' | 'objective' | 'target' | 'threshold'>

/** The error budgets of the routes, over the last 30 days in steps of a day. */
class Objectives implements ControlHalf {
  readonly operations: readonly Operation[] = operationsOf(this)
  readonly gauges: Gauges = {
    sluice_slo_target_ratio: () => this.all().map(({ route, objective, target }) => reading(route, objective, target)),
    sluice_slo_error_budget_remaining_ratio: () =>
      this.all().map(({ route, objective, budgetRemaining }) => reading(route, objective, budgetRemaining)),
  }
  private readonly context: SloContext
  /** Counts at the end of each of the last days, oldest first. */
  private days: ReadonlyMap<string, Counts>[] = []
  private timer: ClockHandle

  constructor(context: SloContext) {
    this.context = context
    this.timer = this.again()
  }

  all(): Objective[] {
    const past = this.days.length < DAYS ? undefined : this.days[0]
    return this.stated().map((stated) => {
      const now = this.counts(stated)
      const then = past?.get(keyOf(stated))
      const good = now.good - (then?.good ?? 0)
      const bad = now.bad - (then?.bad ?? 0)
      const total = good + bad
      const budgetRemaining = total === 0 ? 1 : 1 - bad / (total * (1 - stated.target))
      return { ...stated, window: `${DAYS}d`, good, total, budgetRemaining }
    })
  }

  close(): void {
    this.context.clock.cancel(this.timer)
  }

  /** They count against availability; how long they took is not known. */
  requestsLost(route: string, requests: number): void {
    const use = this.context.uses().find(({ use }) => use.name === route)
    if (use?.use.options.availability === undefined) return
    this.context.metrics.counter('sluice_slo_events_total', [route, 'availability', 'bad']).inc(requests)
  }

  private stated(): Stated[] {
    return this.context.uses().flatMap(({ use: { name: route, options } }): Stated[] => {
      const { availability, latency } = options
      return [
        ...(availability === undefined ? [] : [{ route, objective: 'availability', target: availability } as const]),
        ...(latency === undefined
          ? []
          : [
              {
                route,
                objective: 'latency',
                target: latency.target,
                threshold: durationText(latency.threshold),
              } as const,
            ]),
      ]
    })
  }

  private counts({ objective, route }: Stated): Counts {
    const count = (result: 'good' | 'bad'): number =>
      this.context.counted('sluice_slo_events_total', [route, objective, result])
    return { good: count('good'), bad: count('bad') }
  }

  private again(): ClockHandle {
    return this.context.clock.after(DAY_MS, () => {
      const day = new Map(this.stated().map((stated) => [keyOf(stated), this.counts(stated)]))
      this.days = [...this.days.slice(-DAYS + 1), day]
      this.timer = this.again()
    })
  }
}

function reading(route: string, objective: ObjectiveKind, value: number): GaugeReading {
  return { labels: [route, objective], value }
}

function keyOf({ objective, route }: Stated): string {
  return `${objective} ${route}`
}

const SCHEMAS = {
  Objective: record(
    {
      route: TEXT,
      objective: choice('availability', 'latency'),
      target: said('Share of the requests that should be good.', { ...NUMBER, exclusiveMinimum: 0, maximum: 1 }),
      window: TEXT,
      good: COUNT,
      total: COUNT,
      budgetRemaining: said('Share of the error budget that is left; below 0: overspent.', NUMBER),
    },
    { threshold: said('Of latency, such as `300ms`.', TEXT) },
  ),
}

function operationsOf(objectives: Objectives): readonly Operation[] {
  return [
    {
      kind: 'view',
      path: 'slo',
      says: {
        id: 'listObjectives',
        tag: 'Gateway',
        summary: 'The objectives of all routes, and the rest of their error budgets',
        answer: {
          description: 'Of this process, over 30 days at most.',
          schema: record({ objectives: each(ref('Objective')) }),
        },
        schemas: SCHEMAS,
      },
      read: () => ({ objectives: objectives.all() }),
    },
  ]
}

export const control: ControlFeature<SloOptions, undefined, typeof metrics> = {
  start: (context) => new Objectives(context),
}
