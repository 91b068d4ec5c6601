import { CallCell } from '../../cells/call.ts'
import type { HeldCell } from '../../cells/held.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { ConfiguredPolicy } from '../../core/feature.ts'
import type { Policy, PolicyContext } from '../../core/policy.ts'
import type { Relief, Stalled, Want } from '../../core/relief.ts'
import type { Refusal } from '../../core/verdict.ts'
import type { Clock } from '../../lib/clock.ts'
import { object, withDefault } from '../../schema/composites.ts'
import { integer, oneOf } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const keys = object({
  max: withDefault(integer(1, 10_000_000), 10_000, 'Open streams at a time, of all workers together.'),
  mode: withDefault(
    oneOf('enforce', 'shadow'),
    'enforce',
    'shadow: it counts what it would refuse, and refuses nothing.',
  ),
})

export type StreamsOptions = Infer<typeof keys>

const FULL: Refusal = { reason: 'streams_full', retryAfterMs: 5_000 }

/** Bounds open streams. They last, so they are counted apart from requests: see `Policy.stream`. */
export const streams: ConfiguredPolicy<StreamsOptions> = {
  name: 'streams',
  stage: 99,
  why: 'A stream must be let in here before the bulkhead gives up the permit that counted it so far.',
  doc: 'Bounds the streams (server-sent events) that the route has open; they need no permit of the bulkhead.',
  answers: false,
  byDefault: true,
  schema: keys,
  compile(options, context) {
    const { streams: cell } = context.cells
    return cell === undefined ? undefined : new Streams(options, context, context.space.held(cell))
  },
}

class Streams implements Policy, Want {
  readonly name = 'streams'
  readonly slot: number
  readonly call: CallCell
  /** Nobody waits for a stream to end. */
  readonly waiting = 0
  private readonly route: string
  private readonly relief: Relief
  private readonly clock: Clock
  private readonly max: number
  private readonly open: HeldCell
  private readonly enforces: boolean

  constructor({ max, mode }: StreamsOptions, context: PolicyContext, open: HeldCell) {
    const { cells, space } = context
    this.slot = context.slot
    this.route = context.route
    this.clock = context.clock
    this.relief = context.relief
    this.call = new CallCell(space.int32(cells.call), cells.call.slot)
    this.max = max
    this.open = open
    this.enforces = mode === 'enforce'
  }

  stream(ex: Exchange): Refusal | undefined {
    if (!this.open.takeBelow(this.max)) {
      if (!this.enforces) {
        ex.refused(this.clock, this.name, 'streams_full', 'shadow')
        this.open.take()
      } else if (!this.relief.end(this) || !this.open.takeBelow(this.max)) return FULL
    }
    ex.state[this.slot] = true
    return undefined
  }

  frees(stalled: Stalled): boolean {
    return stalled.ex.route?.name === this.route && stalled.yields(this.name)
  }

  yields(ex: Exchange): boolean {
    const held = ex.state[this.slot] === true
    this.settle(ex)
    return held
  }

  called(ex: Exchange, now: number): boolean {
    return ex.state[this.slot] === true && this.open.sum() >= this.max && this.call.answer(now)
  }

  settle(ex: Exchange): void {
    if (ex.state[this.slot] !== true) return
    ex.state[this.slot] = undefined
    this.open.give()
  }
}
