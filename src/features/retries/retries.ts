import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { PlanContext } from '../../core/feature.ts'
import type { HeadVerdict, OutcomeClass } from '../../core/outcome.ts'
import type { FurtherAttempts, Obstacle } from '../../core/plan.ts'
import { fractionOf } from '../../lib/hash.ts'
import type { RetryOptions } from './keys.ts'
import type { decisions, metrics } from './words.ts'

type RetryContext = PlanContext<typeof metrics, typeof decisions>

/** After which outcomes a further attempt follows, and how soon. */
export class Retries implements FurtherAttempts {
  readonly most: number
  readonly retryAfterCap: number
  private readonly when: ReadonlySet<string | number>
  private readonly methods: ReadonlySet<string>
  private readonly backoff: RetryOptions['backoff']
  private readonly context: RetryContext

  constructor({ backoff, maxExtra, methods, retryAfterCap, when }: RetryOptions, context: RetryContext) {
    this.most = maxExtra
    this.retryAfterCap = retryAfterCap
    this.when = new Set(when)
    this.methods = new Set(methods)
    this.backoff = backoff
    this.context = context
  }

  follows(outcome: OutcomeClass): boolean {
    // Most answers: with thousands of routes each set that is read is a cache miss.
    if (typeof outcome === 'number' && outcome < 400) return false
    return this.when.has(outcome) || (typeof outcome === 'number' && outcome >= 500 && this.when.has('5xx'))
  }

  repeats(method: string): boolean {
    return this.methods.has(method)
  }

  /** Exponential with full jitter ("Exponential Backoff And Jitter", Brooker, AWS 2015). */
  backoffMs(attempts: number, requestId: string): number {
    const ceiling = Math.min(this.backoff.cap, this.backoff.base * 2 ** (attempts - 1))
    return fractionOf(requestId, attempts) * ceiling
  }

  onNone(ex: Exchange, because: Obstacle): void {
    this.context.note(ex, 'no_retry', { because })
  }

  onVerdict(ex: Exchange, at: Attempt): void {
    // What an attempt came to that another one overtook is no reason for a further one, and had none.
    if (at.head?.ignored === false && ex.verdict !== undefined && ex.countedAs !== undefined)
      this.context.metrics.counter('sluice_retries_total', [ex.countedAs, textOf(ex.verdict)]).inc()
    if (at.number === 1 || at.beside) return
    const facts = { attempt: at.number, after: textOf(before(ex, at)) }
    this.context.note(ex, 'retry', facts, at.startedAt)
  }
}

/** The verdict on the attempt before this one that was sent. */
function before({ allAttempts }: Exchange, at: Attempt): HeadVerdict | undefined {
  return allAttempts.findLast(({ number, unsent }) => number < at.number && !unsent)?.head
}

function textOf(verdict: HeadVerdict | undefined): string {
  return String(verdict?.reason ?? verdict?.outcome ?? '-')
}
