import { type FurtherAttempts, NO_FURTHER, NO_LIMITS, type TimeLimits } from '../../core/plan.ts'
import type { SideFacts } from '../../core/spans.ts'
import { Latencies } from '../../lib/latencies.ts'
import type { Recorder } from '../seeing/recorder.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import { type Chain, EMPTY_CHAIN } from './chain.ts'
import { AttemptPlan } from './plan.ts'
import { type CompiledRoute, NO_ROUTE, type Snapshot } from './snapshot.ts'

/** What features ask for is not counted as requests of a route. */
export const NO_REQUESTS: CompiledRoute['inFlight'] = { take: () => {}, give: () => {} }

/** An attempt of which nothing was sent is safe to repeat, whatever it would have done. */
const ONE_MORE: FurtherAttempts = {
  ...NO_FURTHER,
  most: 1,
  follows: (outcome) => outcome === 'connect' || outcome === 'reset',
}

/** What other features have to say of the requests of one feature to one upstream, see `Feature.guardsCalls`. */
export type Guards = (feature: string, upstream: string) => Chain

/** One feature and one upstream, as long as the upstream lives. */
interface Pair {
  readonly upstream: Upstream
  readonly guards: Chain
  readonly latencies: Latencies
  readonly kinds: Map<string, Made>
}

/** Made for one kind of request of a pair, in one generation. */
interface Made {
  readonly generation: number
  readonly deadlineMs: number
  readonly plan: AttemptPlan
  readonly record: CompiledRoute['record']
}

/** Which request it is for. */
interface Wanted extends SideFacts {
  /** As its feature asks for: what the upstream is judged by. */
  readonly deadlineMs: number
  readonly teaches: boolean
  readonly limits: TimeLimits
}

/** A request of a feature to an upstream has no route in the config: one is made for it. */
export class SideRoutes {
  private readonly recorder: Pick<Recorder, 'side'>
  private readonly guards: Guards
  private readonly pairs = new Map<string, Pair>()
  /** Empty: what a feature asks for has no features of a route. */
  private readonly uses: CompiledRoute['uses'] = new Map()

  constructor(recorder: Pick<Recorder, 'side'>, guards: Guards) {
    this.recorder = recorder
    this.guards = guards
  }

  of(upstream: Upstream, snapshot: Snapshot, wanted: Wanted): CompiledRoute {
    const { feature, limits, teaches } = wanted
    const pair = this.pair(feature, upstream, snapshot)
    const { plan, record } = this.made(pair, snapshot, wanted)
    return {
      name: '-',
      digest: NO_ROUTE,
      effect: NO_ROUTE,
      uses: this.uses,
      chain: teaches ? pair.guards : EMPTY_CHAIN,
      plan,
      limits,
      latencies: pair.latencies,
      inFlight: NO_REQUESTS,
      record,
    }
  }

  private pair(feature: string, upstream: Upstream, { upstreams }: Snapshot): Pair {
    const key = `${feature} ${upstream.name}`
    const known = this.pairs.get(key)
    if (known?.upstream === upstream) return known
    for (const [other, { upstream: gone }] of this.pairs)
      if (upstreams.get(gone.name) !== gone) this.pairs.delete(other)
    const guards = this.guards(feature, upstream.name)
    const pair = { upstream, guards, latencies: new Latencies(), kinds: new Map() }
    this.pairs.set(key, pair)
    return pair
  }

  private made({ kinds, upstream }: Pair, { generation }: Snapshot, wanted: Wanted): Made {
    const { deadlineMs, feature, kind, teaches } = wanted
    const key = `${kind} ${teaches}`
    const known = kinds.get(key)
    if (known?.generation === generation && known.deadlineMs === deadlineMs) return known
    const limit = { ...NO_LIMITS, request: deadlineMs, total: deadlineMs }
    const to = [{ upstream: upstream.name, weight: 1 }]
    const plan = new AttemptPlan({ limit, again: ONE_MORE }, to, [], () => upstream, teaches)
    const record = this.recorder.side({ kind, feature }, upstream.name)
    const made = { generation, deadlineMs, plan, record }
    kinds.set(key, made)
    return made
  }
}
