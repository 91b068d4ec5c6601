import { CallCell } from '../../cells/call.ts'
import type { HeldCell } from '../../cells/held.ts'
import type { CellRef } from '../../cells/pages.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { FeatureContext } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import type { Relief, Stalled, Want } from '../../core/relief.ts'
import type { StateSlot } from '../../core/state-slot.ts'
import type { Refusal } from '../../core/verdict.ts'

const FULL: Refusal = { reason: 'streams_full', retryAfterMs: 5_000 }

export interface StreamsOptions {
  readonly max: number
  readonly mode: 'enforce' | 'shadow'
}

/** Lets an answer become a stream while fewer than `max` are open. */
export class Streams implements Policy, Want {
  readonly name: string
  readonly call: CallCell
  /** Requests never wait for a stream to end. */
  readonly waiting = 0
  /** true: the exchange is an open stream. */
  private readonly held: StateSlot<true>
  private readonly route: string
  private readonly relief: Relief
  private readonly shadow: FeatureContext['shadow']
  private readonly max: number
  private readonly open: HeldCell
  private readonly enforces: boolean

  constructor({ max, mode }: StreamsOptions, context: FeatureContext<Readonly<Record<'open' | 'call', CellRef>>>) {
    const { cells, space } = context
    this.name = context.feature
    this.held = context.exchangeState()
    this.route = context.use.name
    this.shadow = context.shadow
    this.relief = context.relief
    this.call = new CallCell(space.int32(cells.call), cells.call.slot)
    this.max = max
    this.open = space.held(cells.open)
    this.enforces = mode === 'enforce'
  }

  stream(ex: Exchange): Refusal | undefined {
    if (!this.open.takeBelow(this.max)) {
      if (!this.enforces) {
        this.shadow(ex, 'streams_full')
        this.open.take()
      } else if (!this.relief.end(this) || !this.open.takeBelow(this.max)) return FULL
    }
    this.held.set(ex, true)
    return undefined
  }

  frees(stalled: Stalled): boolean {
    return stalled.ex.route?.name === this.route && stalled.yields(this.name)
  }

  yields(ex: Exchange): boolean {
    const held = this.held.of(ex) === true
    this.settle(ex)
    return held
  }

  called(ex: Exchange, now: number): boolean {
    return this.held.of(ex) === true && this.open.sum() >= this.max && this.call.answer(now)
  }

  settle(ex: Exchange): void {
    if (this.held.of(ex) !== true) return
    this.held.set(ex, undefined)
    this.open.give()
  }
}
