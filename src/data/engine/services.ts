import type { Downstream } from '../../core/downstream.ts'
import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import { NORMAL } from '../../core/importance.ts'
import type { Reply } from '../../core/policy.ts'
import type { Services, SideRequest } from '../../core/services.ts'
import { Chain } from './chain.ts'
import { CollectingDownstream, OURSELVES } from './collect.ts'
import type { Engine } from './engine.ts'
import { AttemptPlan } from './plan.ts'
import type { CompiledRoute, Snapshot } from './snapshot.ts'

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
    return new Promise((resolve) => {
      const downstream = new CollectingDownstream(OURSELVES, request, ANSWER_BYTES, (reply) =>
        resolve(run.ex.failure ?? reply ?? failure('response_incomplete', 'body', 'upstream')),
      )
      const run = this.engine.side(downstream, route)
      run.start()
    })
  }

  forwardHeaders(ex: Exchange): string[] {
    ex.forwardHeaders ??= (this.engine.current as Snapshot).forwarder.headers(ex)
    return ex.forwardHeaders
  }

  handle(downstream: Downstream): void {
    this.engine.handle(downstream)
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

/** A call of our own has no route in the config: one upstream, one try, one deadline. */
function sideRoute(upstream: string, deadlineMs: number, snapshot: Snapshot): CompiledRoute {
  const timeouts = {
    request: deadlineMs,
    total: deadlineMs,
    attempt: undefined,
    idle: undefined,
    stream: undefined,
    minRate: undefined,
  }
  const retries = { maxExtra: 0, when: [], methods: [], backoff: { base: 0, cap: 0 }, retryAfterCap: 0 }
  const config = { to: [{ upstream, weight: 1 }], failover: [], timeouts, retries }
  return {
    name: '-',
    chain: new Chain([]),
    plan: new AttemptPlan(config, () => snapshot.upstreams.get(upstream) as never),
    timeouts,
    inFlight: NO_REQUESTS,
    importance: NORMAL,
    record: undefined,
  }
}
