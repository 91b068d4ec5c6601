import { CallCell } from '../../cells/call.ts'
import type { HeldCell } from '../../cells/held.ts'
import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { FeatureContext } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import type { Relief, Stalled, Want } from '../../core/relief.ts'
import type { StateSlot } from '../../core/state-slot.ts'
import type { Refusal } from '../../core/verdict.ts'
import type { Clock } from '../../lib/clock.ts'
import { AdaptiveLimit } from './adaptive-limit.ts'
import type { BulkheadCells } from './cells.ts'
import type { BulkheadOptions } from './keys.ts'
import { boundsOf } from './limit.ts'
import { type BulkheadQueue, type Limit, Waiting } from './queue.ts'
import { BulkheadQueues } from './queues.ts'
import type { decisions, metrics } from './words.ts'

export type BulkheadContext = FeatureContext<BulkheadCells, typeof metrics, typeof decisions>

/** Milliseconds after which a refused client may repeat its request, if nothing better is known. */
const COME_AGAIN_MS = 1_000

const FULL: Refusal = { reason: 'bulkhead_full', retryAfterMs: COME_AGAIN_MS }

/** `limit`: of its cells, where it changes. */
export function bulkheadPolicy(options: BulkheadOptions, context: BulkheadContext): Policy {
  const { limit } = context.cells
  if (options.adaptive === undefined || limit === undefined) return new Bulkhead(options, context)
  const { state } = limit
  return new AdaptiveBulkhead(
    options,
    context,
    new AdaptiveLimit(context.space.int32(state), state.slot, boundsOf(options, options.adaptive)),
  )
}

/** What an exchange holds: true for a permit, or its place in the queue. */
type Held = true | Waiting

class Bulkhead implements Policy, Limit, Want {
  readonly name: string
  /** A slow client's upload holds no permit before an attempt can begin. */
  readonly behindGate = true
  readonly call: CallCell
  private readonly held: StateSlot<Held>
  private readonly route: string
  private readonly relief: Relief
  protected readonly inFlight: HeldCell
  private readonly most: number
  protected readonly clock: Clock
  private readonly shadow: FeatureContext['shadow']
  private readonly options: BulkheadOptions
  private readonly queue: BulkheadQueue | undefined
  private readonly enforces: boolean

  constructor(options: BulkheadOptions, context: BulkheadContext) {
    const { permits, queue } = context.cells
    const { call, inFlight } = permits
    this.name = context.feature
    this.held = context.exchangeState()
    this.route = context.use.name
    this.relief = context.relief
    this.call = new CallCell(context.space.int32(call), call.slot)
    this.clock = context.clock
    this.shadow = context.shadow
    this.most = options.maxConcurrent
    this.options = options
    this.inFlight = context.space.held(inFlight)
    this.queue = queue && queuesOf(context).of(this.route, inFlight, queue)
    this.enforces = options.mode === 'enforce'
  }

  get waiting(): number {
    return this.queue?.length ?? 0
  }

  /** Permits that there are now. */
  get current(): number {
    return this.most
  }

  admit(ex: Exchange) {
    const { queue } = this
    // A request that comes while others wait, waits behind them.
    if ((queue === undefined || queue.empty || !this.enforces) && this.inFlight.takeBelow(this.current)) {
      this.held.set(ex, true)
      return undefined
    }
    if (!this.enforces) {
      this.shadow(ex, 'bulkhead_full')
      this.inFlight.take()
      this.held.set(ex, true)
      return undefined
    }
    const { queue: options } = this.options
    if (queue !== undefined && options !== undefined) return this.enter(ex, queue, options)
    if (!this.relief.end(this) || !this.inFlight.takeBelow(this.current)) return FULL
    this.held.set(ex, true)
    return undefined
  }

  left(ex: Exchange): void {
    const held = this.held.of(ex)
    if (held instanceof Waiting) this.queue?.leave(held)
  }

  /** Streams last: they are counted separately. */
  stream(ex: Exchange): undefined {
    this.settle(ex)
  }

  /** An answer that waits for a slow client needs memory, and no permit. */
  upstreamDone(ex: Exchange): void {
    this.settle(ex)
  }

  frees(stalled: Stalled): boolean {
    return stalled.ex.route?.name === this.route && stalled.yields(this.name)
  }

  yields(ex: Exchange): boolean {
    const held = hasPermit(this.held.of(ex))
    if (held) this.settle(ex)
    return held
  }

  called(ex: Exchange, now: number): boolean {
    return hasPermit(this.held.of(ex)) && this.inFlight.sum() >= this.current && this.call.answer(now)
  }

  settle(ex: Exchange): void {
    const held = this.held.of(ex)
    if (held === undefined) return
    this.left(ex)
    this.held.set(ex, undefined)
    if (!hasPermit(held)) return
    this.inFlight.give()
    this.queue?.released(this)
  }

  private enter(ex: Exchange, queue: BulkheadQueue, options: NonNullable<BulkheadOptions['queue']>) {
    const key = options.fairBy === 'client' ? ex.client : ''
    const enter = (): Waiting | undefined => queue.enter(ex, ex.importance, key, this, options)
    const waiting = enter() ?? (this.relief.end(this) ? enter() : undefined)
    if (waiting === undefined) return { ...FULL, retryAfterMs: queue.comeAgainMs }
    this.held.set(ex, waiting)
    if (!hasPermit(waiting)) this.relief.end(this)
    if (hasPermit(waiting)) return undefined
    return new Promise<undefined | Refusal>((resolve) => {
      waiting.resolve = resolve
    })
  }
}

/** Its limit follows how long attempts take until the head of their answer. */
class AdaptiveBulkhead extends Bulkhead {
  private readonly adaptive: AdaptiveLimit

  constructor(options: BulkheadOptions, context: BulkheadContext, limit: AdaptiveLimit) {
    super(options, context)
    this.adaptive = limit
  }

  override get current(): number {
    return this.adaptive.current
  }

  /** The wait for a connection belongs to it: it grows when the upstream can take no more. */
  attempted(_ex: Exchange, { head, startedAt, waitedMs }: Attempt): void {
    if (head?.lesson.adaptive !== true) return
    const now = this.clock.now()
    this.adaptive.sample(now - startedAt + waitedMs, this.inFlight.sum(), now)
  }
}

function hasPermit(held: Held | undefined): boolean {
  return held === true || held?.state === 'granted'
}

function queuesOf(context: BulkheadContext): BulkheadQueues {
  return context.keep('queues', () => new BulkheadQueues(context))
}
