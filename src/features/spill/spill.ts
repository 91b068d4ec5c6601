import type { Exchange } from '../../core/exchange.ts'
import type { PlanContext } from '../../core/feature.ts'
import type { FirstAttempt, Lead } from '../../core/plan.ts'
import { fractionOf } from '../../lib/hash.ts'
import type { decisions, metrics } from './words.ts'

/** A smaller share never takes the requests of a larger one: they would flood it. */
const LEAST_RATIO = 4

/** First attempts go to the others by their weights. */
export class Spill implements FirstAttempt {
  private readonly context: PlanContext<typeof metrics, typeof decisions>

  constructor(context: PlanContext<typeof metrics, typeof decisions>) {
    this.context = context
  }

  instead<T extends Lead>(ex: Exchange, from: Lead, able: readonly T[]): T | undefined {
    const large = able.filter(({ weight }) => weight * LEAST_RATIO >= from.weight)
    const total = large.reduce((sum, { weight }) => sum + weight, 0)
    const point = fractionOf(ex.requestId, 0) * total
    let until = 0
    for (const lead of large) {
      until += lead.weight
      if (point < until) return lead
    }
    return large.at(-1)
  }

  onMoved(ex: Exchange, { upstream: from }: Lead, { upstream: to }: Lead): void {
    if (ex.countedAs !== undefined) this.context.metrics.counter('sluice_spilled_total', [ex.countedAs, from, to]).inc()
    this.context.note(ex, 'spilled', { from, to })
  }
}
