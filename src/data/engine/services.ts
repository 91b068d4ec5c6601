import type { Downstream, Peer } from '../../core/downstream.ts'
import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import { NO_LIMITS } from '../../core/plan.ts'
import type { Services, SideRequest } from '../../core/services.ts'
import type { Reply } from '../../core/verdict.ts'
import { Latencies } from '../../lib/latencies.ts'
import { Chain } from './chain.ts'
import { CollectingDownstream, OURSELVES } from './collect.ts'
import type { Engine } from './engine.ts'
import { AttemptPlan } from './plan.ts'
import { type CompiledRoute, NO_ROUTE, type Snapshot } from './snapshot.ts'

const ANSWER_BYTES = 1024 * 1024
const NO_REQUESTS = { take: () => {}, give: () => {} }

/** What policies may ask of the engine; bounded, and drained with it. */
export class EngineServices implements Services {
  private readonly engine: Engine
  private readonly running = new Map<string, number>()

  constructor(engine: Engine) {
    this.engine = engine
  }

  async call(upstream: string, request: SideRequest, deadlineMs: number): Promise<Reply | Failure> {
    const snapshot = this.engine.current as Snapshot
    const target = snapshot.upstreams.get(upstream)
    if (target === undefined) return failure('no_endpoint', 'connect', 'sluice')
    const route = sideRoute(upstream, deadlineMs, snapshot)
    return this.collect(OURSELVES, request, route, () => {})
  }

  forwardHeaders(ex: Exchange): string[] {
    ex.forwardHeaders ??= (this.engine.current as Snapshot).forwarder.headers(ex)
    return ex.forwardHeaders
  }

  hashesPath(ex: Exchange): boolean {
    return (ex.route as CompiledRoute).plan?.hashesPath(ex) === true
  }

  typicalMs(ex: Exchange, now: number): number {
    return (ex.route as CompiledRoute).latencies.median(now)
  }

  handle(downstream: Downstream): void {
    this.engine.handle(downstream)
  }

  /** `prepare` sees the exchange before it starts. */
  private collect(
    peer: Peer,
    request: SideRequest,
    route: CompiledRoute,
    prepare: (ex: Exchange) => void,
  ): Promise<Reply | Failure> {
    return new Promise((resolve) => {
      const downstream = new CollectingDownstream(peer, request, ANSWER_BYTES, (reply) =>
        resolve(run.ex.failure ?? reply ?? failure('response_incomplete', 'body', 'upstream')),
      )
      const run = this.engine.side(downstream, route)
      prepare(run.ex)
      run.start()
    })
  }

  background(name: string, bound: number, work: () => Promise<void>): boolean {
    const count = this.running.get(name) ?? 0
    if (count >= bound) return false
    this.running.set(name, count + 1)
    const done = this.engine.hold()
    const end = (): void => {
      this.running.set(name, (this.running.get(name) as number) - 1)
      done()
    }
    work().then(end, (error: unknown) => {
      this.engine.failed(error)
      end()
    })
    return true
  }
}

/** A side request has no route in the config: one upstream, one attempt, one deadline. */
function sideRoute(upstream: string, deadlineMs: number, snapshot: Snapshot): CompiledRoute {
  const limits = { ...NO_LIMITS, request: deadlineMs, total: deadlineMs }
  const to = [{ upstream, weight: 1 }]
  return {
    name: '-',
    digest: NO_ROUTE,
    effect: NO_ROUTE,
    uses: new Map(),
    chain: new Chain([]),
    plan: new AttemptPlan({ limit: limits }, to, [], () => snapshot.upstreams.get(upstream) as never),
    limits,
    latencies: new Latencies(),
    inFlight: NO_REQUESTS,
    record: undefined,
  }
}
