import type { ControlContext, ControlFeature, ControlHalf } from '../../core/control-feature.ts'
import { EndpointWords } from '../../core/endpoint-words.ts'
import { type EndpointCells, EndpointStateBit } from '../../core/protocol.ts'
import { Slots } from '../../lib/slots.ts'
import { healthChecks } from './control/checks.ts'
import { type CheckedUpstream, HealthMonitor } from './control/monitor.ts'
import type { HealthMetrics } from './feature.ts'
import type { HealthCheckOptions } from './keys.ts'

const CHECKS_AT_ONCE = 256

type HealthContext = ControlContext<HealthCheckOptions, unknown, HealthMetrics>

/** Checks the endpoints of all upstreams that want it, and writes what that says where workers see it. */
class HealthChecks implements ControlHalf {
  private readonly context: HealthContext
  private readonly monitor: HealthMonitor

  constructor(context: HealthContext) {
    const { clock, metrics, passed, random, set } = context
    this.context = context
    this.monitor = new HealthMonitor({
      checks: healthChecks(clock),
      slots: new Slots(CHECKS_AT_ONCE),
      clock,
      random,
      set,
      mark: (cells, healthy) => this.mark(cells, healthy),
      checked: (upstream, endpoint, result) => {
        metrics.counter('sluice_health_checks_total', [upstream, result]).inc()
        if (result === 'ok') passed(upstream, endpoint)
      },
    })
  }

  applied(): void {
    this.endpointsChanged()
  }

  endpointsChanged(): void {
    this.monitor.sync(this.upstreams())
  }

  close(): void {
    this.monitor.close()
  }

  private mark({ state }: EndpointCells, healthy: boolean): void {
    const { clock, look, marked } = this.context
    const words = new EndpointWords(look.words(state), state.slot)
    if (healthy) words.clear(EndpointStateBit.unhealthy, clock.now())
    else words.set(EndpointStateBit.unhealthy)
    marked()
  }

  private *upstreams(): Generator<CheckedUpstream> {
    const { endpoints, upstream, uses } = this.context
    for (const { use } of uses()) {
      const config = upstream(use.name)
      const set = endpoints(use.name)
      if (config !== undefined && set !== undefined) yield { config, set, options: use.options }
    }
  }
}

export const control: ControlFeature<HealthCheckOptions, unknown, HealthMetrics> = {
  start: (context) => new HealthChecks(context),
}
