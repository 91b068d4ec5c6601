import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { SideKind } from '../../core/note.ts'
import { NO_LIMITS, type TimeLimits } from '../../core/plan.ts'
import type {
  CallRequest,
  Connected,
  ConnectOptions,
  ForkOptions,
  Services,
  Side,
  SideHead,
  StreamRequest,
} from '../../core/services.ts'
import { MemorySource, type Source } from '../../core/source.ts'
import type { Reply, WholeReply } from '../../core/verdict.ts'
import type { Engine } from './engine.ts'
import type { Run } from './request.ts'
import { CANCELLED, CalledSide, ConnectedSide, neverBegun, type SideRun, StreamedSide, timeFor } from './side.ts'
import { SideDownstream } from './side-downstream.ts'
import { type Guards, NO_REQUESTS, SideRoutes } from './side-routes.ts'
import type { CompiledRoute, Snapshot } from './snapshot.ts'

/** At a time, per worker and feature: requests that end with their parents, of which there are as many as clients send. */
const MOST_CALLS = 10_000
/** The same of those that end with no other request. */
const MOST_ALONE = 256

const FULL = failure('bulkhead_full', 'limit', 'sluice', 'A feature has too many requests of its own under way.')
const NO_UPSTREAM = failure('no_endpoint', 'connect', 'sluice')
const LATE = failure('deadline_exceeded', 'queue', 'sluice')

/** What features may ask of the engine, each in its own name. */
export class EngineServices {
  private readonly engine: Engine
  private readonly routes: SideRoutes
  private readonly features = new Map<string, Services>()

  constructor(engine: Engine, guards: Guards) {
    this.engine = engine
    this.routes = new SideRoutes(engine.recorder, guards)
  }

  of(feature: string): Services {
    let services = this.features.get(feature)
    if (services === undefined) {
      services = new FeatureServices(feature, this.engine, this.routes)
      this.features.set(feature, services)
    }
    return services
  }
}

/** A request that is about to begin. */
interface Begin {
  readonly kind: SideKind
  /** Name of the upstream, of a fork that of the route. */
  readonly to: string
  readonly head: SideHead & { readonly host?: string }
  readonly body: Source | undefined
  readonly route: CompiledRoute
  readonly snapshot: Snapshot
  readonly parent: Exchange | undefined
  /** It ends with its parent. */
  readonly attached: boolean
  /** Fields for the upstream. */
  readonly fields: readonly string[]
  readonly prepare: (run: Run) => void
}

class FeatureServices implements Services {
  private readonly feature: string
  private readonly engine: Engine
  private readonly routes: SideRoutes
  private attached = 0
  private alone = 0

  constructor(feature: string, engine: Engine, routes: SideRoutes) {
    this.feature = feature
    this.engine = engine
    this.routes = routes
  }

  call(request: CallRequest): Side<WholeReply> {
    const body = request.body === undefined ? undefined : new MemorySource(request.body)
    const limits = (ms: number): TimeLimits => ({ ...NO_LIMITS, request: ms, total: ms })
    return this.ask('call', request, body, limits, new CalledSide(request.maxBody))
  }

  stream(request: StreamRequest): Side<Reply> {
    const { body, deadlineMs } = request
    const minRate = { bytes: 1, window: deadlineMs }
    const limits = (ms: number): TimeLimits => ({
      ...NO_LIMITS,
      request: ms,
      idle: deadlineMs,
      stream: deadlineMs,
      minRate,
    })
    return this.ask('stream', request, body, limits, new StreamedSide())
  }

  fork(ex: Exchange, { behind, headers, maxBody }: ForkOptions): Side<WholeReply> {
    return this.again('fork', ex, behind, headers, new CalledSide(maxBody), (run) => run.ex.asks(ex))
  }

  connect(ex: Exchange, { behind, last }: ConnectOptions): Side<Connected> {
    return this.again('connect', ex, behind, undefined, new ConnectedSide(), (run) => {
      run.ex.asks(ex)
      run.ex.upgrade = ex.upgrade
      run.last = last
    })
  }

  /** The rest of the chain of an exchange again. */
  private again<A extends Reply>(
    kind: 'fork' | 'connect',
    ex: Exchange,
    behind: string,
    headers: readonly string[] | undefined,
    side: SideRun<A>,
    prepare: Begin['prepare'],
  ): Side<A> {
    const { engine, feature } = this
    const route = ex.route as CompiledRoute
    const chain = route.chain.behind(feature, behind)
    if (chain === undefined) {
      engine.failed(
        new Error(`${feature} forks behind its place ${behind}, where route ${route.name} has no policy of it`),
      )
      return neverBegun(failure('internal', 'request', 'sluice'))
    }
    const { authority, host, method, target } = ex.downstream
    const attached = kind === 'connect'
    if (attached && ex.finished) return this.missed(kind, route.name, ex, CANCELLED)
    const record = engine.recorder.side({ kind, feature }, route.name)
    return this.begin(side, {
      kind,
      to: route.name,
      head: { method, target, authority, host, headers: ex.headers },
      body: undefined,
      route: { ...route, chain, record, inFlight: NO_REQUESTS },
      snapshot: engine.snapshotWith(({ routesByName }) => routesByName.get(route.name) === route) ?? engine.live,
      parent: ex,
      attached,
      fields: headers ?? this.forwardHeaders(ex),
      prepare,
    })
  }

  private ask<A extends Reply>(
    kind: SideKind,
    { deadlineMs, detached = false, head, parent, teaches, upstream: to }: Omit<StreamRequest, 'body'>,
    body: Source | undefined,
    limits: (ms: number) => TimeLimits,
    side: SideRun<A>,
  ): Side<A> {
    const { engine, feature } = this
    const attached = parent !== undefined && !detached
    const snapshot = engine.snapshotWith(({ upstreams }) => upstreams.has(to))
    const upstream = snapshot?.upstreams.get(to)
    const ms = timeFor(attached ? parent : undefined, deadlineMs, engine.clock.now())
    const why =
      attached && parent.finished ? CANCELLED : upstream === undefined ? NO_UPSTREAM : ms > 0 ? undefined : LATE
    if (why !== undefined || snapshot === undefined || upstream === undefined) {
      body?.cancel()
      return this.missed(kind, to, parent, why ?? NO_UPSTREAM)
    }
    const route = this.routes.of(upstream, snapshot, { kind, feature, deadlineMs, teaches, limits: limits(ms) })
    const [path = '', ...query] = head.target.split('?')
    return this.begin(side, {
      kind,
      to,
      head,
      body,
      route,
      snapshot,
      parent,
      attached,
      fields: head.headers,
      prepare: ({ ex }) => {
        ex.path = path
        ex.query = query.length === 0 ? '' : `?${query.join('?')}`
      },
    })
  }

  private begin<A extends Reply>(side: SideRun<A>, begin: Begin): Side<A> {
    const { attached, body, fields, head, kind, parent, prepare, route, snapshot, to } = begin
    if (attached ? this.attached >= MOST_CALLS : this.alone >= MOST_ALONE) {
      body?.cancel()
      return this.missed(kind, to, parent, FULL)
    }
    if (attached) this.attached++
    else this.alone++
    const downstream = new SideDownstream(head, body, side)
    const run = this.engine.side(downstream, route, snapshot, parent)
    const { ex } = run
    prepare(run)
    ex.forwardHeaders = snapshot.forwarder.own(fields, ex)
    if (attached && parent !== undefined) {
      parent.dependents ??= new Set()
      parent.dependents.add(side)
    }
    side.begin(run, downstream, (why) => {
      if (attached) this.attached--
      else this.alone--
      parent?.dependents?.delete(side)
      this.tell(kind, to, parent, { at: ex.startedAt, status: ex.attempt?.status ?? 0, reason: why?.reason })
    })
    return side
  }

  /** It cannot begin. */
  private missed(kind: SideKind, to: string, parent: Exchange | undefined, why: Failure): Side<never> {
    const { engine, feature } = this
    engine.recorder.side({ kind, feature }, to).missed(why.reason)
    this.tell(kind, to, parent, { at: engine.clock.now(), status: 0, reason: why.reason })
    return neverBegun(why)
  }

  private tell(
    what: SideKind,
    to: string,
    parent: Exchange | undefined,
    {
      at,
      reason,
      status,
    }: { readonly at: number; readonly status: number; readonly reason: Failure['reason'] | undefined },
  ): void {
    if (parent === undefined || parent.finished) return
    const { engine, feature } = this
    const ms = engine.clock.now() - at
    parent.note({ at, kind: 'called', feature, what, to, status, reason, ms })
  }

  forwardHeaders(ex: Exchange): string[] {
    ex.forwardHeaders ??= this.engine.live.forwarder.headers(ex)
    return ex.forwardHeaders
  }

  hashesPath(ex: Exchange): boolean {
    return (ex.route as CompiledRoute).plan?.hashesPath(ex) === true
  }

  typicalMs(ex: Exchange, now: number): number {
    return (ex.route as CompiledRoute).latencies.median(now)
  }
}
