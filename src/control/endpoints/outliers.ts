import type { OutlierConfig, UpstreamConfig } from '../../core/config.ts'
import type { Notice } from '../../core/notice.ts'
import { type EndpointCells, EndpointWord, type UpstreamEndpoints } from '../../core/protocol.ts'
import { EjectionGroup, Outlier } from '../../features/outlier-detection/outlier.ts'
import { byFailurePercentage, bySuccessRate } from '../../features/outlier-detection/rates.ts'
import type { Clock, ClockHandle } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import type { CellRegistry } from '../registry/registry.ts'

const TICK_MS = 1_000

interface Watched {
  readonly options: OutlierConfig
  readonly group: EjectionGroup
  readonly counts: (now: number) => { readonly total: number; readonly failed: number }[]
  forgivenAt: number
}

type Upstreams = Iterable<{ readonly config: UpstreamConfig; readonly set: UpstreamEndpoints }>

export interface OutliersOptions {
  readonly registry: CellRegistry
  readonly upstreams: () => Upstreams
  readonly clock: Clock
  readonly random: Random
  readonly report: (notice: Notice) => void
}

/**
 * The part of outlier detection that needs all endpoints at once: shares of failures, once per second. Also takes back
 * endpoints whose time has passed although no request asks for them.
 */
export class Outliers {
  private readonly options: OutliersOptions
  private watched = new WeakMap<UpstreamEndpoints, Watched>()
  private ticking: ClockHandle = undefined

  constructor(options: OutliersOptions) {
    this.options = options
  }

  start(): void {
    this.ticking = this.options.clock.after(TICK_MS, () => {
      this.look()
      this.start()
    })
  }

  close(): void {
    this.options.clock.cancel(this.ticking)
  }

  /** An endpoint has passed a health check. */
  passed({ state }: EndpointCells): void {
    if (Atomics.load(this.options.registry.words(state), state.slot + EndpointWord.ejected) === 0) return
    for (const { config, set } of this.options.upstreams()) {
      if (config.outlierDetection?.endOnHealthy !== true) continue
      const at = set.endpoints.findIndex(({ cells }) => cells.state === state)
      if (at !== -1) this.of(config.outlierDetection, set).group.members[at]?.restore(this.options.clock.now())
    }
  }

  look(): void {
    const now = this.options.clock.now()
    for (const { config, set } of this.options.upstreams()) {
      if (config.outlierDetection === undefined) continue
      const watched = this.of(config.outlierDetection, set)
      for (const member of watched.group.members) member.ejected(now)
      watched.group.repair()
      this.judge(watched, now)
      if (now - watched.forgivenAt < watched.options.interval) continue
      watched.forgivenAt = now
      for (const member of watched.group.members) member.forgive()
    }
  }

  private judge({ counts, group, options }: Watched, now: number): void {
    const { failurePercentage, successRate } = options
    if (failurePercentage === undefined && successRate === undefined) return
    // Ejected endpoints do not count in what is normal.
    const inside = group.members.map((member, i) => ({ member, i })).filter(({ member }) => !member.flagged)
    const all = counts(now)
    const samples = inside.map(({ i }) => all[i] as { total: number; failed: number })
    if (failurePercentage !== undefined)
      for (const i of byFailurePercentage(samples, failurePercentage))
        inside[i]?.member.eject('failure_percentage', now)
    if (successRate !== undefined)
      for (const i of bySuccessRate(samples, successRate)) inside[i]?.member.eject('success_rate', now)
  }

  private of(options: OutlierConfig, set: UpstreamEndpoints): Watched {
    const known = this.watched.get(set)
    if (known?.options === options) return known
    const { clock, random, registry, report } = this.options
    const { upstream } = set
    const { ejected } = set.cells
    const group = new EjectionGroup(registry.words(ejected), ejected.slot, options, random, {
      ejected: (what) => report({ kind: 'ejected', upstream, ...what }),
      returned: (endpoint) => report({ kind: 'returned', upstream, endpoint }),
    })
    const members = set.endpoints.map(
      ({ id, cells }) => new Outlier(id, group, registry.words(cells.state), cells.state.slot),
    )
    const windows = set.endpoints.map(({ cells }) => registry.window(cells.outcomes, options.interval))
    group.members = members
    const counts: Watched['counts'] = (now) =>
      windows.map((window, i) => window.counts(now, (members[i] as Outlier).ejections))
    const watched = { options, group, counts, forgivenAt: clock.now() }
    this.watched.set(set, watched)
    return watched
  }
}
