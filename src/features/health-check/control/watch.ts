import type { Clock, ClockHandle } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import type { Slots } from '../../../lib/slots.ts'
import { HealthVerdict } from '../health.ts'
import type { HealthCheckOptions } from '../keys.ts'
import type { Check, CheckRequest, CheckResult } from './check.ts'

export interface WatchDeps {
  readonly checks: Readonly<Record<HealthCheckOptions['type'], Check>>
  readonly slots: Slots
  readonly clock: Clock
  readonly random: Random
}

export interface WatchEvents {
  /** A check has ended. */
  checked(result: CheckResult): void
  /** The endpoint is healthy again. */
  healthy(): void
  /** It is not any more: `failed` checks in a row, of which the last came to this; `needed` good ones bring it back. */
  unhealthy(facts: { reason: CheckResult; detail: string; failed: number; needed: number }): void
}

/** Checks one endpoint periodically, one check at a time, until it is closed. */
export class EndpointWatch {
  private readonly deps: WatchDeps
  private readonly events: WatchEvents
  private readonly verdict = new HealthVerdict()
  private request: CheckRequest
  private timer: ClockHandle = undefined
  /** Ends what is under way: a check, or its place in the queue. */
  private cancel: (() => void) | undefined = undefined

  constructor(request: CheckRequest, deps: WatchDeps, events: WatchEvents) {
    this.request = request
    this.deps = deps
    this.events = events
    this.startOver()
  }

  get healthy(): boolean {
    return this.verdict.healthy
  }

  /** Other options: what is known of the endpoint stays, a check under way is dropped. */
  update(request: CheckRequest): void {
    this.stop()
    this.request = request
    this.startOver()
  }

  close(): void {
    this.stop()
  }

  /** Spread over the interval: all endpoints of a config begin at the same time. */
  private startOver(): void {
    const { config } = this.request
    this.wait(config.interval * this.deps.random.float())
  }

  private stop(): void {
    this.deps.clock.cancel(this.timer)
    this.cancel?.()
    this.cancel = undefined
  }

  private wait(ms: number): void {
    this.timer = this.deps.clock.after(ms, () => {
      this.cancel = undefined
      const leave = this.deps.slots.take(() => this.begin())
      this.cancel ??= leave
    })
  }

  private begin(): void {
    const { checks, clock, slots } = this.deps
    const { config } = this.request
    const due = clock.now() + config.timeout
    let deadline: ClockHandle
    const end = (): void => {
      clock.cancel(deadline)
      this.cancel = undefined
      slots.give()
    }
    const abandon = checks[config.type](this.request, (result, detail) => {
      end()
      this.take(result, detail)
    })
    deadline = clock.after(config.timeout, () => {
      abandon()
      end()
      // This thread stood still: the answer may have been there, so the check proves nothing.
      if (clock.now() - due > config.timeout / 2) this.wait(0)
      else this.take('timeout', `${config.timeout} ms`)
    })
    this.cancel = () => {
      abandon()
      end()
    }
  }

  private take(result: CheckResult, detail: string): void {
    const { config } = this.request
    const changed = this.verdict.record(result === 'ok', config)
    this.wait(this.verdict.nextAfter(config.interval, this.deps.random.float()))
    this.events.checked(result)
    if (!changed) return
    const { decided: failed, healthy } = this.verdict
    if (healthy) this.events.healthy()
    else this.events.unhealthy({ reason: result, detail, failed, needed: config.healthyAfter })
  }
}
