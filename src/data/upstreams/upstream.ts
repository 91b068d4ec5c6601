import type { UpstreamConfig } from '../../core/config.ts'
import type { ResolvedEndpoint, UpstreamCells } from '../../core/protocol.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import type { Balancer } from './balancers/contract.ts'
import { createBalancer } from './balancers/index.ts'
import { Endpoint, type EndpointDeps, endpointKey } from './endpoint.ts'

export interface UpstreamDeps extends EndpointDeps {
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly random: Random
}

interface Tier {
  readonly number: number
  readonly endpoints: readonly Endpoint[]
  readonly balancer: Balancer<Endpoint>
}

const NONE: readonly Endpoint[] = []

/** A named service: its endpoints in tiers, and which of them the next try goes to. */
export class Upstream {
  readonly name: string
  private config: UpstreamConfig
  private readonly deps: UpstreamDeps
  private resolved: readonly ResolvedEndpoint[] = []
  private byKey = new Map<string, Endpoint>()
  /** Best first. */
  private tiers: readonly Tier[] = []

  constructor(config: UpstreamConfig, _cells: UpstreamCells, deps: UpstreamDeps) {
    this.name = config.name
    this.config = config
    this.deps = deps
  }

  get endpoints(): readonly Endpoint[] {
    return [...this.byKey.values()]
  }

  /** A new config of the same upstream: endpoints stay, with their connections, where nothing that matters changed. */
  update(config: UpstreamConfig): void {
    const renewed = config.algorithm !== this.config.algorithm
    this.config = config
    if (renewed) this.tiers = []
    this.setEndpoints(this.resolved)
  }

  /** All addresses as of now. Endpoints that are gone finish what they have. */
  setEndpoints(list: readonly ResolvedEndpoint[]): void {
    const { config, deps } = this
    const kept = new Map<string, Endpoint>()
    for (const resolved of list) {
      const key = endpointKey(resolved, config)
      if (kept.has(key)) continue
      const known = this.byKey.get(key)
      known?.update(resolved, config, deps.space.workers)
      kept.set(key, known ?? new Endpoint(resolved, config, deps))
    }
    for (const [key, endpoint] of this.byKey) if (!kept.has(key)) endpoint.close()
    this.resolved = list
    this.byKey = kept
    this.arrange()
  }

  /**
   * Where the next try goes: an untried endpoint of the best tier that has a usable one, else of the next tiers, else a
   * tried one in the same order; undefined if none is usable.
   */
  pick(tried: readonly Endpoint[]): Endpoint | undefined {
    return this.search(tried) ?? (tried.length === 0 ? undefined : this.search(NONE))
  }

  /**
   * When nothing else is left: the least loaded untried endpoint although it is unhealthy, else a tried one; never one
   * that drains.
   */
  lastResort(tried: readonly Endpoint[]): Endpoint | undefined {
    let best: Endpoint | undefined
    for (const { endpoints } of this.tiers) {
      for (const endpoint of endpoints) {
        if (!endpoint.draining && (best === undefined || before(endpoint, best, tried))) best = endpoint
      }
    }
    return best
  }

  /** The upstream is gone from the config: connections close when idle. */
  close(): void {
    this.setEndpoints([])
  }

  private search(excluded: readonly Endpoint[]): Endpoint | undefined {
    for (const tier of this.tiers) {
      const endpoint = tier.balancer.pick(excluded)
      if (endpoint !== undefined) return endpoint
    }
    return undefined
  }

  private arrange(): void {
    const groups = new Map<number, Endpoint[]>()
    for (const endpoint of this.byKey.values()) {
      const group = groups.get(endpoint.tier)
      if (group === undefined) groups.set(endpoint.tier, [endpoint])
      else group.push(endpoint)
    }
    const former = this.tiers
    this.tiers = [...groups]
      .sort(([a], [b]) => a - b)
      .map(([number, endpoints]) => {
        const balancer =
          former.find((tier) => tier.number === number)?.balancer ??
          createBalancer<Endpoint>(this.config.algorithm, this.deps.random)
        balancer.update(endpoints)
        return { number, endpoints, balancer }
      })
  }
}

function before(a: Endpoint, b: Endpoint, tried: readonly Endpoint[]): boolean {
  const triedA = tried.includes(a)
  if (triedA !== tried.includes(b)) return !triedA
  return a.load < b.load
}
