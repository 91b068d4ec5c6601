import { CallCell } from '../../cells/call.ts'
import type { HeldCell } from '../../cells/held.ts'
import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { ConfiguredPolicy } from '../../core/feature.ts'
import { importanceOf } from '../../core/importance.ts'
import type { Policy, PolicyContext } from '../../core/policy.ts'
import type { BulkheadCells } from '../../core/protocol.ts'
import type { Relief, Stalled, Want } from '../../core/relief.ts'
import type { Refusal } from '../../core/verdict.ts'
import type { Clock } from '../../lib/clock.ts'
import { mapped, object, offOr, optional, withDefault } from '../../schema/composites.ts'
import { duration, integer, oneOf } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import { AdaptiveLimit, readLimit } from './adaptive-limit.ts'
import type { GradientOptions } from './gradient.ts'
import { type BulkheadQueue, type Limit, Waiting } from './queue.ts'
import { BulkheadQueues } from './queues.ts'

const queue = object({
  size: withDefault(integer(1, 1_000_000), 100, 'Requests that wait at a time, of all workers together.'),
  maxWait: withDefault(duration(1, 600_000), '500ms', 'The longest wait; then queue_timeout.'),
  fairBy: withDefault(
    oneOf('client', 'none'),
    'client',
    'client: the clients that wait take turns, by their address; none: nobody asks whose request it is.',
  ),
  newestFirstAfter: withDefault(
    offOr(duration(10, 600_000)),
    '100ms',
    'Once the queue was not empty for so long the newest go first, and nobody waits longer than this.',
  ),
})

const adaptive = mapped(
  object({
    min: withDefault(integer(1, 1_000_000), 20, 'The smallest limit.'),
    max: withDefault(integer(1, 1_000_000), 1000, 'The largest.'),
    initial: withDefault(integer(1, 1_000_000), 100, 'The first.'),
  }),
  (options, refuse) => {
    const { min, max, initial } = options
    return min <= initial && initial <= max ? options : refuse('initial is not between min and max')
  },
)

const keys = object({
  maxConcurrent: withDefault(integer(1, 1_000_000), 1024, 'Requests at a time, of all workers together.'),
  queue: withDefault(offOr(queue), 'off', 'Lets requests wait for a permit, in the order of their arrival.'),
  adaptive: optional(
    offOr(adaptive),
    'Finds out by itself how many requests the upstream can take; never more than maxConcurrent.',
  ),
  mode: withDefault(
    oneOf('enforce', 'shadow'),
    'enforce',
    'shadow: it counts what it would refuse, and refuses nothing.',
  ),
})

export type BulkheadOptions = Infer<typeof keys>

/** How soon a refused client may come again where nothing better is known, milliseconds. */
const COME_AGAIN_MS = 1_000

const FULL: Refusal = { reason: 'bulkhead_full', retryAfterMs: COME_AGAIN_MS }

/** Bounds the requests that a route has in flight: one permit a request, from admit to settle, exact over all workers. */
export const bulkhead: ConfiguredPolicy<BulkheadOptions> = {
  name: 'bulkhead',
  stage: 100,
  why: 'Whoever is answered without the upstream needs no permit, and one permit covers all attempts of a request.',
  doc: 'Bounds the requests that the route has in flight, so that one slow service can not take everything.',
  answers: false,
  byDefault: true,
  schema: keys,
  compile(options, context) {
    const { bulkhead: cells } = context.cells
    if (cells === undefined) return undefined
    if (options.adaptive === undefined || cells.limit === undefined) return new Bulkhead(options, context, cells)
    const words = context.space.int32(cells.limit)
    const limit = new AdaptiveLimit(words, cells.limit.slot, boundsOf(options, options.adaptive))
    return new AdaptiveBulkhead(options, context, cells, limit)
  },
}

/** How many permits there are now. `words`: of its cells, undefined where the limit does not change. */
export function limitOf(options: BulkheadOptions, words: Int32Array | undefined, at: number): number {
  const { adaptive, maxConcurrent } = options
  if (adaptive === undefined || words === undefined) return maxConcurrent
  return readLimit(words, at, boundsOf(options, adaptive))
}

function boundsOf(
  { maxConcurrent }: BulkheadOptions,
  { min, max, initial }: NonNullable<BulkheadOptions['adaptive']>,
): GradientOptions {
  const most = Math.min(max, maxConcurrent)
  return { min: Math.min(min, most), max: most, initial: Math.min(initial, most) }
}

/** In `ex.state`: true for a permit, or the place in the queue. */
type Held = true | Waiting | undefined

class Bulkhead implements Policy, Limit, Want {
  readonly name = 'bulkhead'
  readonly slot: number
  readonly call: CallCell
  private readonly route: string
  private readonly relief: Relief
  protected readonly inFlight: HeldCell
  private readonly most: number
  protected readonly clock: Clock
  private readonly options: BulkheadOptions
  private readonly queue: BulkheadQueue | undefined
  private readonly enforces: boolean

  constructor(options: BulkheadOptions, context: PolicyContext, cells: BulkheadCells) {
    const { call } = context.cells
    this.slot = context.slot
    this.route = context.route
    this.relief = context.relief
    this.call = new CallCell(context.space.int32(call), call.slot)
    this.clock = context.clock
    this.most = options.maxConcurrent
    this.options = options
    this.inFlight = context.space.held(cells.inFlight)
    this.queue = cells.queue && queuesOf(context).of(cells, cells.queue)
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
    // Whoever comes while others wait waits behind them.
    if ((queue === undefined || queue.empty || !this.enforces) && this.inFlight.takeBelow(this.current)) {
      ex.state[this.slot] = true
      return undefined
    }
    if (!this.enforces) {
      ex.refused(this.clock, this.name, 'bulkhead_full', 'shadow')
      this.inFlight.take()
      ex.state[this.slot] = true
      return undefined
    }
    const { queue: options } = this.options
    if (queue !== undefined && options !== undefined) return this.enter(ex, queue, options)
    if (!this.relief.end(this) || !this.inFlight.takeBelow(this.current)) return FULL
    ex.state[this.slot] = true
    return undefined
  }

  left(ex: Exchange): void {
    const held = ex.state[this.slot] as Held
    if (held instanceof Waiting) this.queue?.leave(held)
  }

  /** Streams last: they are counted apart. */
  stream(ex: Exchange): undefined {
    this.settle(ex)
  }

  frees(stalled: Stalled): boolean {
    return stalled.ex.route?.name === this.route && stalled.yields(this.name)
  }

  yields(ex: Exchange): boolean {
    const held = hasPermit(ex.state[this.slot] as Held)
    if (held) this.settle(ex)
    return held
  }

  called(ex: Exchange, now: number): boolean {
    return hasPermit(ex.state[this.slot] as Held) && this.inFlight.sum() >= this.current && this.call.answer(now)
  }

  settle(ex: Exchange): void {
    const held = ex.state[this.slot] as Held
    if (held === undefined) return
    this.left(ex)
    ex.state[this.slot] = undefined
    if (!hasPermit(held)) return
    this.inFlight.give()
    this.queue?.released(this)
  }

  private enter(ex: Exchange, queue: BulkheadQueue, options: NonNullable<BulkheadOptions['queue']>) {
    const key = options.fairBy === 'client' ? ex.client : ''
    const enter = (): Waiting | undefined => queue.enter(ex, importanceOf(ex), key, this, options)
    const waiting = enter() ?? (this.relief.end(this) ? enter() : undefined)
    if (waiting === undefined) return { ...FULL, retryAfterMs: queue.comeAgainMs }
    ex.state[this.slot] = waiting
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

  constructor(options: BulkheadOptions, context: PolicyContext, cells: BulkheadCells, limit: AdaptiveLimit) {
    super(options, context, cells)
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

function hasPermit(held: Held): boolean {
  return held === true || held?.state === 'granted'
}

function queuesOf({ keep, ...context }: PolicyContext): BulkheadQueues {
  return keep('bulkhead queues', () => new BulkheadQueues(context))
}
