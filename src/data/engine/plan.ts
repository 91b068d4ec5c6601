import type { RouteConfig } from '../../core/config.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { OutcomeClass } from '../../core/outcome.ts'
import type { Random } from '../../lib/random.ts'
import type { Upstream } from '../upstreams/upstream.ts'

interface Share {
  /** The upstream, then its failover upstreams. */
  readonly upstreams: readonly Upstream[]
  /** Upper bound of its part of [0, total). */
  readonly until: number
}

/** Which upstreams a route tries, how often, and after which failures. Compiled once; asked by engine/attempts.ts. */
export class AttemptPlan {
  readonly maxTries: number
  /** Milliseconds; undefined: no bound of its own. */
  readonly attemptTimeout: number | undefined
  private readonly shares: readonly Share[]
  private readonly total: number
  private readonly when: ReadonlySet<string | number>
  private readonly methods: ReadonlySet<string>
  /** undefined: no second try beside the first. `delay` undefined: the observed p95. */
  readonly hedge: RouteConfig['hedge']
  /** Milliseconds. */
  readonly retryAfterCap: number
  private readonly backoff: { readonly base: number; readonly cap: number }

  constructor(
    route: Pick<RouteConfig, 'to' | 'failover' | 'timeouts' | 'retries' | 'hedge'>,
    upstream: (name: string) => Upstream,
  ) {
    this.maxTries = 1 + route.retries.maxExtra
    this.attemptTimeout = route.timeouts.attempt
    const failover = route.failover.map(upstream)
    let total = 0
    this.shares = (route.to ?? []).map((target) => {
      const first = upstream(target.upstream)
      total += target.weight
      return { upstreams: [first, ...failover.filter((other) => other !== first)], until: total }
    })
    this.total = total
    this.when = new Set(route.retries.when)
    this.methods = new Set(route.retries.methods)
    this.backoff = route.retries.backoff
    this.hedge = route.hedge
    this.retryAfterCap = route.retries.retryAfterCap
  }

  /** The upstream of this request, drawn by weight, and its failover upstreams in order. */
  draw(random: Random): readonly Upstream[] {
    const point = this.shares.length === 1 ? 0 : random.float() * this.total
    for (const share of this.shares) {
      if (point < share.until) return share.upstreams
    }
    return []
  }

  /** Whether the path decides over the endpoint of a request, at any upstream that it may go to. */
  hashesPath(ex: Exchange): boolean {
    return this.shares.some(({ upstreams }) => upstreams.some((upstream) => upstream.hashesPath(ex)))
  }

  /** Whether the route asks for another try after this outcome. */
  retriesOn(outcome: OutcomeClass): boolean {
    // Most answers: with thousands of routes each set that is looked at is a miss of the cache.
    if (typeof outcome === 'number' && outcome < 400) return false
    return this.when.has(outcome) || (typeof outcome === 'number' && outcome >= 500 && this.when.has('5xx'))
  }

  /** Whether the method may be repeated once bytes of it were sent. */
  repeats(method: string): boolean {
    return this.methods.has(method)
  }

  /**
   * Milliseconds before the try after `attempts` tries: exponential with full jitter ("Exponential Backoff And Jitter",
   * Brooker, AWS 2015). A pure function of the request ID, so that a schedule can be reproduced.
   */
  backoffMs(attempts: number, requestId: string): number {
    const ceiling = Math.min(this.backoff.cap, this.backoff.base * 2 ** (attempts - 1))
    return fraction(requestId, attempts) * ceiling
  }
}

/** FNV-1a (Fowler, Noll, Vo) of the text and a number, finished by murmur3's avalanche, as a fraction of 1. */
function fraction(text: string, number: number): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ number, 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 4_294_967_296
}
