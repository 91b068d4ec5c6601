import { block, columnsOf, type Leased } from '../../cells/shape.ts'
import { WINDOW_SLOTS } from '../../cells/window.ts'
import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import { defineFeature } from '../../core/feature.ts'
import type { UpstreamContext, UpstreamPart } from '../../core/upstream-part.ts'
import { keys, type RetryBudgetOptions } from './keys.ts'
import { RetryBudget } from './retry-budget.ts'
import { decisions, metrics } from './words.ts'

/** First attempts, and further ones as their failures. */
const attempts = block({ window: columnsOf(WINDOW_SLOTS) })

/** Bounds what further attempts add to the load of an upstream. */
export const retryBudget = defineFeature({
  name: 'retryBudget',
  doc: 'Bounds the load that retries of all routes add to the upstream.',
  keys: { upstream: keys },
  byDefault: true,
  metrics,
  decisions,
  lints: () => import('./lints.ts'),
  upstream: {
    furtherShare: ({ percent }) => percent,
    cells: () => attempts,
    compile: (options, context) => new BudgetPart(options, context),
  },
})

class BudgetPart implements UpstreamPart {
  private readonly budget: RetryBudget
  private readonly context: UpstreamContext<Leased<typeof attempts>, typeof metrics, typeof decisions>

  constructor(options: RetryBudgetOptions, context: BudgetPart['context']) {
    this.budget = new RetryBudget(context.space.window(context.cells.window, options.interval), options)
    this.context = context
  }

  /** First attempts are never charged. */
  admits(ex: Exchange, at: Attempt): boolean {
    const { clock, metrics, note } = this.context
    if (at.number === 1 || this.budget.take(clock.now())) return true
    metrics.counter('sluice_retry_budget_exhausted_total', [at.upstream]).inc()
    note(ex, 'budget', { upstream: at.upstream })
    return false
  }

  begun({ number, startedAt }: Attempt): void {
    if (number === 1) this.budget.first(startedAt)
  }

  withdrawn({ number, startedAt }: Attempt, begun: boolean): void {
    if (number > 1) this.budget.give(this.context.clock.now())
    else if (begun) this.budget.withdraw(startedAt)
  }
}
