import type { Obstacle } from '../../core/plan.ts'
import { type FlatHeaders, fieldValue } from '../../lib/headers.ts'
import type { Latencies } from '../../lib/latencies.ts'
import { retryAfterMs } from '../../lib/retry-after.ts'
import type { Endpoint } from '../upstreams/endpoint.ts'
import type { AttemptsHost } from './attempts-host.ts'
import type { Candidate } from './choice.ts'
import type { AttemptPlan } from './plan.ts'

/** Whether a further attempt may follow, and how soon. */
export class Further {
  private readonly host: AttemptsHost
  private readonly plan: AttemptPlan
  private readonly latencies: Latencies

  constructor(host: AttemptsHost, plan: AttemptPlan, latencies: Latencies) {
    this.host = host
    this.plan = plan
    this.latencies = latencies
  }

  /** `processed`: the attempt before may have had an effect. */
  allowed(processed: boolean, wanted = true): boolean {
    const because = wanted ? this.obstacle(processed) : 'condition'
    if (because !== undefined) this.plan.again.onNone(this.host.ex, because)
    return because === undefined
  }

  /** Why no further attempt may follow. */
  obstacle(processed: boolean): Obstacle | undefined {
    const { ex, body } = this.host
    if (ex.attempts >= this.plan.maxAttempts) return 'attempts'
    if (ex.priorAttempts > 0) return 'prior'
    if (processed && !this.plan.again.repeats(ex.method)) return 'method'
    if (body !== undefined && !body.repeatable) return 'body'
    // An attempt that cannot end within the time left is not begun.
    const now = this.host.clock.now()
    return now + this.backoffMs() + this.latencies.median(now) < ex.deadline ? undefined : 'time'
  }

  backoffMs(): number {
    const { attempts, requestId } = this.host.ex
    return this.plan.again.backoffMs(attempts, requestId)
  }

  /**
   * Milliseconds until the next attempt. `Retry-After` counts if the same endpoint is next; undefined: it exceeds the
   * longest wait.
   */
  waitAfter(endpoint: Endpoint, headers: FlatHeaders, next: Candidate): number | undefined {
    const backoff = this.backoffMs()
    if (next.endpoint !== endpoint) return backoff
    const asked = retryAfterMs(fieldValue(headers, 'retry-after') ?? '', this.host.clock.wall()) ?? 0
    if (asked <= backoff) return backoff
    return asked <= this.plan.again.retryAfterCap && this.host.clock.now() + asked < this.host.ex.deadline
      ? asked
      : undefined
  }
}
