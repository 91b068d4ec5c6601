import type { UpstreamConfig } from '../../core/config.ts'
import type { Notice } from '../../core/notice.ts'
import type { ResolvedEndpoint, UpstreamCells } from '../../core/protocol.ts'
import type { Random } from '../../lib/random.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import { EjectionGroup } from '../../resilience/outlier.ts'
import { RetryBudget } from '../../resilience/retry-budget.ts'
import type { Balancer } from './balancers/contract.ts'
import { createBalancer } from './balancers/index.ts'
import { Endpoint, type EndpointDeps, endpointKey } from './endpoint.ts'
import { Permits } from './permits.ts'

export interface UpstreamDeps extends EndpointDeps {
  readonly timers: TimerWheel
  readonly random: Random
  /** For operators. */
  readonly report: (notice: Notice) => void
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
  private readonly cells: UpstreamCells
  private readonly deps: UpstreamDeps
  private readonly permits: Permits
  private ejections: EjectionGroup | undefined = undefined
  /** undefined: retries are not bounded. */
  budget: RetryBudget | undefined = undefined
  private resolved: readonly ResolvedEndpoint[] = []
  private byKey = new Map<string, Endpoint>()
  /** Best first. */
  private tiers: readonly Tier[] = []

  constructor(config: UpstreamConfig, cells: UpstreamCells, deps: UpstreamDeps) {
    this.name = config.name
    this.config = config
    this.cells = cells
    this.deps = deps
    this.permits = new Permits(deps.space.held(cells.inFlight), config.bulkhead?.maxConcurrent)
    this.setBudget()
  }

  /** It has as many tries in flight as its bulkhead lets in, without those `ending` that are about to end. */
  isFull(ending: number): boolean {
    return this.permits.isFull(ending)
  }

  get endpoints(): readonly Endpoint[] {
    return [...this.byKey.values()]
  }

  /** A new config of the same upstream: endpoints stay, with their connections, where nothing that matters changed. */
  update(config: UpstreamConfig): void {
    const renewed = config.algorithm !== this.config.algorithm
    this.config = config
    this.permits.limit = config.bulkhead?.maxConcurrent
    this.setBudget()
    if (renewed) this.tiers = []
    this.setEndpoints(this.resolved)
  }

  private setBudget(): void {
    const { retryBudget } = this.config
    this.budget =
      retryBudget && new RetryBudget(this.deps.space.window(this.cells.tries, retryBudget.interval), retryBudget)
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
      kept.set(key, known ?? new Endpoint(resolved, config, deps, this.permits))
    }
    for (const [key, endpoint] of this.byKey) if (!kept.has(key)) endpoint.close()
    this.resolved = list
    this.byKey = kept
    this.watch()
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
   * When nothing else is left: the least loaded untried endpoint although it is ejected or unhealthy, ejected ones first,
   * else a tried one; never one that drains.
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

  /** Outliers are judged among all endpoints, of whatever tier. */
  private watch(): void {
    const { cells, deps, name } = this
    const { random, report, space } = deps
    const options = this.config.outlierDetection
    if (options === undefined) {
      this.ejections = undefined
      for (const endpoint of this.byKey.values()) endpoint.unwatch()
      return
    }
    this.ejections ??= new EjectionGroup(space.int32(cells.ejected), cells.ejected.slot, options, random, {
      ejected: (ejected) => report({ kind: 'ejected', upstream: name, ...ejected }),
      returned: (endpoint) => report({ kind: 'returned', upstream: name, endpoint }),
    })
    this.ejections.options = options
    const group = this.ejections
    const rates = options.failurePercentage !== undefined || options.successRate !== undefined
    group.members = this.resolved.flatMap((resolved) => {
      const endpoint = this.byKey.get(endpointKey(resolved, this.config))
      const outcomes = rates ? space.window(resolved.cells.outcomes, options.interval) : undefined
      return endpoint === undefined ? [] : [endpoint.watch(group, outcomes)]
    })
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
  if (a.healthy !== b.healthy) return a.healthy
  return a.load < b.load
}
