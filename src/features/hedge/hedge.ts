import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { PlanContext } from '../../core/feature.ts'
import type { SecondAttempt } from '../../core/plan.ts'
import type { Latencies } from '../../lib/latencies.ts'
import type { decisions, metrics } from './words.ts'

type HedgeContext = PlanContext<typeof metrics, typeof decisions>

const QUANTILE = 0.95

/** Tail latency is cut by asking twice: Dean and Barroso, "The Tail at Scale" (CACM 56(2), 2013). */
export class Hedge implements SecondAttempt {
  private readonly delay: number | undefined
  private readonly context: HedgeContext

  /** `delay`: milliseconds; undefined: as long as most answers take. */
  constructor(delay: number | undefined, context: HedgeContext) {
    this.delay = delay
    this.context = context
  }

  delayMs(latencies: Latencies, now: number): number | undefined {
    return this.delay ?? latencies.quantile(QUANTILE, now)
  }

  onBegun(ex: Exchange, { number: attempt, upstream }: Attempt): void {
    if (ex.countedAs !== undefined) this.context.metrics.counter('sluice_hedges_total', [ex.countedAs]).inc()
    this.context.note(ex, 'hedge', { attempt, upstream })
  }
}
