import type { HeldCell } from '../../cells/held.ts'
import type { Algorithm, Balancer } from '../../core/balancer.ts'
import type { HashSource, UpstreamConfig } from '../../core/config.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { ResolvedEndpoint, UpstreamCells } from '../../core/protocol.ts'
import type { AttemptPermits } from '../../core/upstream-part.ts'
import type { Random } from '../../lib/random.ts'
import { Endpoint, type EndpointDeps, endpointKey } from './endpoint.ts'
import { hashesPath, hashKey } from './hash-key.ts'
import type { Equipped, UpstreamParts } from './parts.ts'

export interface UpstreamDeps extends EndpointDeps {
  readonly random: Random
  /** All that there are, by name. */
  readonly algorithms: ReadonlyMap<string, Algorithm>
  /** What its features make of a config. `before`: of the config before. */
  readonly parts: (config: UpstreamConfig, cells: UpstreamCells, before: UpstreamParts | undefined) => UpstreamParts
}

interface Tier {
  readonly number: number
  readonly endpoints: readonly Endpoint[]
  readonly balancer: Balancer<Endpoint>
}

const NONE: readonly Endpoint[] = []

/** A named service: its endpoints in tiers, and which of them gets the next attempt. */
export class Upstream {
  readonly name: string
  private config: UpstreamConfig
  private readonly deps: UpstreamDeps
  private readonly group: { permits: AttemptPermits | undefined; readonly waiting: HeldCell }
  /** Of its features. */
  parts: UpstreamParts
  private resolved: readonly ResolvedEndpoint[] = []
  private byKey = new Map<string, Endpoint>()
  /** Best first. */
  private tiers: readonly Tier[] = []
  private panic = false

  constructor(config: UpstreamConfig, cells: UpstreamCells, deps: UpstreamDeps) {
    this.name = config.name
    this.config = config
    this.deps = deps
    this.parts = deps.parts(config, cells, undefined)
    this.group = { permits: this.parts.permits, waiting: deps.space.held(cells.waiting) }
  }

  get endpoints(): readonly Endpoint[] {
    return [...this.byKey.values()]
  }

  /**
   * A new config of the same upstream: it is compiled now, and what is returned puts it in place. Endpoints stay, with their
   * connections, if their identity did not change. `compile`: of its generation.
   */
  prepare(config: UpstreamConfig, cells: UpstreamCells, compile: UpstreamDeps['parts']): () => void {
    const parts = compile(config, cells, this.parts)
    return () => this.become(config, parts)
  }

  private become(config: UpstreamConfig, parts: UpstreamParts): void {
    if (balancingKey(config) !== balancingKey(this.config) || !parts.balanceAs(this.parts)) {
      this.tiers = []
      this.panic = false
    }
    if (parts.ignoresHealth === undefined) this.panic = false
    this.config = config
    this.parts = parts
    this.group.permits = parts.permits
    this.setEndpoints(this.resolved)
  }

  /** All addresses as of now. Endpoints that left finish what they have. */
  setEndpoints(list: readonly ResolvedEndpoint[]): void {
    const { algorithm, config, deps, group } = this
    const kept = new Map<string, Endpoint>()
    const equipped: Equipped<Endpoint>[] = []
    for (const resolved of list) {
      const key = endpointKey(resolved, config)
      if (kept.has(key)) continue
      const known = this.byKey.get(key)
      known?.update(resolved, config, deps.space.sharing)
      const endpoint = known ?? new Endpoint(resolved, config, deps, group)
      endpoint.measureFor(algorithm)
      kept.set(key, endpoint)
      equipped.push({ endpoint, cells: resolved.cells.features })
    }
    for (const [key, endpoint] of this.byKey) if (!kept.has(key)) endpoint.close()
    this.resolved = list
    this.byKey = kept
    this.arrange()
    for (const endpoint of kept.values()) endpoint.panic = this.panic
    for (const [endpoint, parts] of this.parts.equip(equipped)) endpoint.parts = parts
  }

  /**
   * Where the next attempt goes: where the request's cookie ties it, if that is usable and unused by it; else an unused
   * endpoint of the best tier that has a usable one, else of the next tiers, else a used one in the same order; undefined if
   * none is usable.
   */
  pick(used: readonly Endpoint[], ex?: Exchange): Endpoint | undefined {
    this.look()
    if (ex === undefined) return this.choose(used, undefined)
    const tied = this.parts.tied(ex) as Endpoint | undefined
    if (tied?.usable && !used.includes(tied)) return tied
    const { hashOn } = this
    return this.choose(used, hashOn.length === 0 ? undefined : hashKey(hashOn, ex))
  }

  /** Whether the endpoint of a request depends on its path. */
  hashesPath(ex: Exchange): boolean {
    return hashesPath(this.hashOn, ex)
  }

  /**
   * When nothing else is left: the least loaded unused endpoint although it is ejected or unhealthy, ejected ones first,
   * else a used one; never one that drains.
   */
  lastResort(used: readonly Endpoint[]): Endpoint | undefined {
    let best: Endpoint | undefined
    for (const { endpoints } of this.tiers) {
      for (const endpoint of endpoints) {
        if (!endpoint.draining && (best === undefined || before(endpoint, best, used))) best = endpoint
      }
    }
    return best
  }

  /** At least one of its endpoints is in service, full or not. */
  get inService(): boolean {
    this.look()
    for (const { endpoints } of this.tiers) for (const endpoint of endpoints) if (endpoint.serves) return true
    return false
  }

  /** The cookie of the request names one of its endpoints that is in service. */
  ties(ex: Exchange): boolean {
    return (this.parts.tied(ex) as Endpoint | undefined)?.inService === true
  }

  /** The upstream is gone from the config: connections close when idle. */
  close(): void {
    this.setEndpoints([])
  }

  private get algorithm(): Algorithm {
    // The language allows no other.
    return this.deps.algorithms.get(this.config.algorithm) as Algorithm
  }

  private get hashOn(): readonly HashSource[] {
    return this.parts.hashOn ?? this.config.balancing.hashOn
  }

  private choose(used: readonly Endpoint[], key: number | undefined): Endpoint | undefined {
    return this.search(used, key) ?? (used.length === 0 ? undefined : this.search(NONE, key))
  }

  private search(excluded: readonly Endpoint[], key: number | undefined): Endpoint | undefined {
    for (const tier of this.tiers) {
      const endpoint = tier.balancer.pick(excluded, key)
      if (endpoint !== undefined) return endpoint
    }
    return undefined
  }

  /** Whether health still counts. */
  private look(): void {
    const { ignoresHealth } = this.parts
    if (ignoresHealth === undefined) return
    let healthy = 0
    let all = 0
    for (const { endpoints } of this.tiers) {
      for (const endpoint of endpoints) {
        if (endpoint.draining) continue
        all++
        if (endpoint.inService) healthy++
      }
    }
    const panic = ignoresHealth(healthy, all)
    if (panic === this.panic) return
    this.panic = panic
    for (const endpoint of this.byKey.values()) endpoint.panic = panic
  }

  private arrange(): void {
    const groups = new Map<number, Endpoint[]>()
    for (const endpoint of this.byKey.values()) {
      const group = groups.get(endpoint.tier)
      if (group === undefined) groups.set(endpoint.tier, [endpoint])
      else group.push(endpoint)
    }
    const former = this.tiers
    const { algorithm, deps } = this
    const { balanceFactor } = this.config.balancing
    const create = this.parts.balanced(() => algorithm.create<Endpoint>(deps, balanceFactor))
    this.tiers = [...groups]
      .sort(([a], [b]) => a - b)
      .map(([number, endpoints]) => {
        const balancer = former.find((tier) => tier.number === number)?.balancer ?? create()
        balancer.update(endpoints)
        return { number, endpoints, balancer }
      })
  }
}

/** Everything that balancers are made from: with another key they are made anew. */
function balancingKey({ algorithm, balancing }: UpstreamConfig): string {
  return JSON.stringify([algorithm, balancing])
}

function before(a: Endpoint, b: Endpoint, used: readonly Endpoint[]): boolean {
  const usedA = used.includes(a)
  if (usedA !== used.includes(b)) return !usedA
  if (a.healthy !== b.healthy) return a.healthy
  return a.load < b.load
}
