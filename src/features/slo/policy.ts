import type { Exchange } from '../../core/exchange.ts'
import { type Charge, chargeOf, FAILURES } from '../../core/failures.ts'
import type { FeatureContext } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import type { Clock } from '../../lib/clock.ts'
import type { SloOptions } from './keys.ts'
import type { metrics, ObjectiveKind } from './words.ts'

type SloContext = FeatureContext<undefined, typeof metrics>
type Counter = ReturnType<SloContext['metrics']['counter']>

/** The requests that count for one objective of a route. Both series begin with 0, so that no rate misses the first. */
class Events {
  private readonly good: Counter
  private readonly bad: Counter

  constructor(route: string, objective: ObjectiveKind, metrics: SloContext['metrics']) {
    this.good = metrics.counter('sluice_slo_events_total', [route, objective, 'good'])
    this.bad = metrics.counter('sluice_slo_events_total', [route, objective, 'bad'])
  }

  count(good: boolean): void {
    if (good) this.good.inc()
    else this.bad.inc()
  }
}

/**
 * Judges the requests of a route by its objectives. For availability a request is bad when the client got a status from 500
 * on or an answer that broke off, whatever refused or failed it; failures that the client itself caused do not count, so
 * that a flood of bad requests hides nothing. For latency the good ones count, by the time to the head of the answer; and
 * clients that left after more than the threshold, their upload not counted, so that impatience does not hide a slow
 * service.
 */
export class SloPolicy implements Policy {
  readonly name: string
  private readonly availability: Events | undefined
  private readonly latency: Events | undefined
  private readonly threshold: number
  private readonly clock: Clock

  constructor({ availability, latency }: SloOptions, { clock, feature, metrics, use: { name: route } }: SloContext) {
    this.name = feature
    this.clock = clock
    this.availability = availability === undefined ? undefined : new Events(route, 'availability', metrics)
    this.latency = latency && new Events(route, 'latency', metrics)
    this.threshold = latency?.threshold ?? 0
  }

  settle(ex: Exchange): void {
    // It counts once, for the route that it matched; what features ask for is not what a client sees.
    if (ex.kind !== 'request') return
    const now = this.clock.now()
    const { finalStatus: status } = ex
    const waited = (ex.firstByteAt === 0 ? now : ex.firstByteAt) - ex.startedAt
    // A fallback replaced that failure.
    const failure = ex.failure?.reason === ex.degraded ? undefined : ex.failure
    const charge = failure === undefined ? chargeOfAnswer(ex, status) : chargeOf(failure)
    if (charge !== 'bad') {
      if (charge === 'slow' && waited - ex.bodyMs > this.threshold) this.latency?.count(false)
      return
    }
    const good = (failure === undefined ? status : FAILURES[failure.reason].status) < 500
    this.availability?.count(good)
    if (good) this.latency?.count(waited <= this.threshold)
  }
}

/** An error that its client caused does not count; all others count by their status. */
function chargeOfAnswer({ attempt, failure }: Exchange, status: number): Charge {
  return status >= 500 && failure === undefined && attempt?.head?.ignored === true ? 'nothing' : 'bad'
}
