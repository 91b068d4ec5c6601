import { CallCell } from '../../cells/call.ts'
import type { HeldCell } from '../../cells/held.ts'
import type { CellSpace } from '../../cells/space.ts'
import type { Attempt } from '../../core/attempt.ts'
import { type Algorithm, type BalancerCandidate, BLAME_MS, type MeasuredLatency } from '../../core/balancer.ts'
import type { UpstreamConfig } from '../../core/config.ts'
import { EndpointWords } from '../../core/endpoint-words.ts'
import type { MetricSink } from '../../core/metric.ts'
import type { Notice } from '../../core/notice.ts'
import { type HeadVerdict, isGatewayFailure } from '../../core/outcome.ts'
import { EndpointWord, type ResolvedEndpoint } from '../../core/protocol.ts'
import type { Relief } from '../../core/relief.ts'
import type { Target, Transport } from '../../core/transport.ts'
import type { AttemptPermits, EndpointView } from '../../core/upstream-part.ts'
import { unixPath } from '../../lib/address.ts'
import type { Clock } from '../../lib/clock.ts'
import { Latencies } from '../../lib/latencies.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import { type EndpointParts, NO_PARTS } from './parts.ts'
import { Pool, type PoolLimits } from './pool.ts'
import { Silence } from './silence.ts'

/** What an endpoint is made with. */
export interface EndpointDeps {
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly space: CellSpace
  readonly transport: Transport
  readonly relief: Relief
  readonly metrics: MetricSink
  /** For operators. */
  readonly report: (notice: Notice) => void
}

/** What the endpoints of an upstream share. */
export interface EndpointGroup {
  /** undefined: nothing bounds their attempts together. */
  readonly permits: AttemptPermits | undefined
  /** Requests that wait for a connection to any of them. */
  readonly waiting: HeldCell
}

/**
 * An attempt without a head is slow after this time, and after a multiple of the usual time. Clients and gateways in front
 * give up after whole seconds of their own, which begin before ours and end before Sluice notices.
 */
const SLOW_MS = 950
const SLOW_FACTOR = 3

/** Milliseconds between two reports of malformed answers. */
const TOLD_EVERY_MS = 60_000

/**
 * An address of an upstream with its pool. It lives as long as its identity: new weights, tiers and limits change it in
 * place.
 */
export class Endpoint implements BalancerCandidate, EndpointView {
  readonly id: string
  /** Value of Host if a route forwards the endpoint's own. */
  readonly authority: string
  readonly pool: Pool
  weight: number
  tier: number
  zone: string | undefined
  blamedUntil = 0
  latency: MeasuredLatency | undefined = undefined
  /** How it is measured. */
  private measured: Algorithm['latency'] = undefined
  /** Of features. */
  parts: EndpointParts = NO_PARTS
  /** Too few endpoints of the upstream are usable: this one is used although it is not usable. */
  panic = false
  /** 0: no bound of its own. */
  private maxConcurrent: number
  private readonly inFlight: HeldCell
  readonly words: EndpointWords
  private readonly clock: Clock
  private readonly report: (notice: Notice) => void
  private readonly upstream: string
  /** Malformed answers are not reported before this time. */
  private quietUntil = Number.NEGATIVE_INFINITY
  /** How long its heads took. */
  private readonly heads = new Latencies()
  private readonly silence: Silence

  constructor(resolved: ResolvedEndpoint, config: UpstreamConfig, deps: EndpointDeps, group: EndpointGroup) {
    this.id = resolved.id
    this.authority = authority(resolved)
    this.weight = resolved.weight
    this.tier = resolved.tier
    this.zone = resolved.zone
    this.maxConcurrent = resolved.maxConcurrent ?? 0
    this.inFlight = deps.space.held(resolved.cells.inFlight)
    const words = deps.space.int32(resolved.cells.state)
    const { slot } = resolved.cells.state
    this.words = new EndpointWords(words, slot)
    this.silence = new Silence(words, slot + EndpointWord.headAt)
    this.clock = deps.clock
    this.report = deps.report
    this.upstream = config.name
    const { keepAlive, maxAge, maxRequests } = config.connections
    this.pool = new Pool({
      transport: deps.transport,
      target: target(resolved, config),
      connection: { connectTimeoutMs: config.connectTimeout, keepAliveMs: keepAlive, maxAge, maxRequests },
      limits: limits(resolved, config, deps.space.sharing),
      inFlight: this.inFlight,
      relief: deps.relief,
      call: new CallCell(words, slot + EndpointWord.call),
      group,
      waiting: group.waiting,
      connections: deps.space.held(resolved.cells.connections),
      clock: deps.clock,
      timers: deps.timers,
      onIdleLimit: (ms) =>
        deps.report({
          kind: 'idle-limit',
          upstream: config.name,
          endpoint: resolved.id,
          ms: Math.round(ms),
          keepAliveMs: keepAlive,
        }),
      onRetired: (limit) => deps.metrics.counter('sluice_pool_connections_retired_total', [config.name, limit]).inc(),
    })
  }

  /** In service, or used in a panic, and below its maximum. */
  get usable(): boolean {
    if (!this.serves) return false
    return this.maxConcurrent === 0 || this.inFlight.sum() < this.maxConcurrent
  }

  /** In service, or used in a panic. */
  get serves(): boolean {
    return this.inService || (this.panic && !this.draining)
  }

  /** Neither unhealthy, draining nor ejected. */
  get inService(): boolean {
    return this.healthy && !this.ejected
  }

  /** Neither unhealthy nor draining. */
  get healthy(): boolean {
    return this.words.healthy
  }

  /** A feature keeps it out of service. */
  get ejected(): boolean {
    return this.words.ejected && this.parts.staysOut()
  }

  get draining(): boolean {
    return this.words.draining
  }

  /** One of its answers could not be parsed. */
  malformed(rule: string, now: number): void {
    if (now < this.quietUntil) return
    this.quietUntil = now + TOLD_EVERY_MS
    this.report({ kind: 'malformed', upstream: this.upstream, endpoint: this.id, rule })
  }

  /**
   * The head verdict on an attempt that took `ms`, without the time in which the request body moved. For outlier detection
   * a good head is not final: its body may still break.
   */
  learn(head: HeadVerdict, at: Attempt, ms: number, now: number): void {
    const { outcome, lesson } = head
    if (at.headAt !== 0) this.silence.answered(now)
    if (lesson.latency === 'exact') this.heads.record(ms, now)
    else if (lesson.latency === 'at_least') this.heads.atLeast(ms, now)
    this.weigh(head, ms)
    if (outcome === 'ok' || lesson.outlier === 'nothing') return
    if (lesson.outlier === 'judged') {
      this.parts.learn(isGatewayFailure(outcome), typeof outcome === 'number', now)
      return
    }
    const mute = lesson.outlier === 'if_mute'
    const since = mute ? this.silence.muteSince(at.startedAt, now) : at.startedAt
    if ((mute ? now - since : ms) >= this.patience(now) && this.silence.lastsSince(since))
      this.parts.learn(true, false, now)
  }

  /** Milliseconds after which an attempt without a head is slow. */
  patience(now: number): number {
    return Math.max(SLOW_MS, SLOW_FACTOR * this.heads.median(now))
  }

  warmFor(now: number): number {
    return this.words.warmFor(now)
  }

  /** What balancing learns. The time of an attempt that was given up is a lower bound, as that of a failed one is. */
  private weigh({ lesson, outcome }: HeadVerdict, ms: number): void {
    if (!lesson.breaker && lesson.latency === 'nothing') return
    const failed = lesson.breaker && outcome !== 'ok'
    if (!failed && this.blamedUntil === 0 && this.latency === undefined) return
    const now = this.clock.now()
    if (failed) this.blamedUntil = now + BLAME_MS
    else if (this.blamedUntil <= now) this.blamedUntil = 0
    this.latency?.observe(ms, lesson.latency !== 'exact', now)
  }

  /** How an answer with a good head ended. */
  ended(whole: boolean, now: number): void {
    this.parts.learn(!whole, false, now)
  }

  /** Requests in flight, of all workers. */
  get load(): number {
    return this.inFlight.sum()
  }

  /** Takes changes that do not affect its connections. */
  update(resolved: ResolvedEndpoint, config: UpstreamConfig, workers: number): void {
    this.weight = resolved.weight
    this.tier = resolved.tier
    this.zone = resolved.zone
    this.maxConcurrent = resolved.maxConcurrent ?? 0
    this.pool.resize(limits(resolved, config, workers))
  }

  /** Measures its latency as the algorithm wants it. */
  measureFor({ latency }: Algorithm): void {
    if (latency === this.measured) return
    this.measured = latency
    this.latency = latency?.()
  }

  /** It is no longer part of the upstream: it closes when idle. */
  close(): void {
    this.pool.close()
  }
}

/** Everything that defines the connections to an endpoint: with another key it is another endpoint. */
export function endpointKey(resolved: ResolvedEndpoint, config: UpstreamConfig): string {
  const { inFlight, connections, state } = resolved.cells
  const { keepAlive, maxAge, maxRequests } = config.connections
  return JSON.stringify([
    resolved.id,
    resolved.host,
    resolved.scheme === 'https' ? config.tls : null,
    config.connectTimeout,
    keepAlive,
    maxAge,
    maxRequests,
    [inFlight, connections, state],
  ])
}

/** Its own value of Host. */
export function authority(resolved: ResolvedEndpoint): string {
  // As nginx does: an HTTP server wants some name.
  if (unixPath(resolved.host) !== undefined) return 'localhost'
  const host = resolved.host.includes(':') ? `[${resolved.host}]` : resolved.host
  return resolved.port === (resolved.scheme === 'https' ? 443 : 80) ? host : `${host}:${resolved.port}`
}

/** Where its connections go. */
export function target(resolved: ResolvedEndpoint, config: UpstreamConfig): Target {
  const { address, port, scheme, host } = resolved
  if (scheme === 'http') return { address, port, tls: undefined }
  return { address, port, tls: { ...config.tls, serverName: config.tls.serverName ?? host } }
}

/** `connections.max` holds for the process: each worker has its share. */
function limits({ maxConcurrent }: ResolvedEndpoint, config: UpstreamConfig, workers: number): PoolLimits {
  const { max, maxWaiting } = config.connections
  return { max: Math.max(1, Math.floor(max / workers)), maxWaiting, maxConcurrent }
}
