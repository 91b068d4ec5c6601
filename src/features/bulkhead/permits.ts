import { CallCell } from '../../cells/call.ts'
import type { HeldCell } from '../../cells/held.ts'
import { block, HELD, type Leased, WORD } from '../../cells/shape.ts'
import type { Relief, Stalled, Want } from '../../core/relief.ts'
import type { AttemptPermits, UpstreamContext } from '../../core/upstream-part.ts'
import type { Refusal } from '../../core/verdict.ts'
import { object, withDefault } from '../../schema/composites.ts'
import { integer } from '../../schema/scalars.ts'
import { upstreamRefuses } from './words.ts'

export const attemptKeys = object({
  maxConcurrent: withDefault(
    integer(1, 1_000_000),
    1024,
    'Maximum attempts in flight, across all routes and workers. Further attempts go to the next candidate.',
  ),
})

/** `call`: to ask other workers for a permit that a stalled client holds, see `cells/call.ts`. */
export const attemptCells = block({ inFlight: HELD, call: WORD })

/** How soon a client may come again for which all upstreams were full. */
const COME_AGAIN_MS = 1_000

/** The bulkhead of an upstream: one permit for each attempt, of all workers together. */
export class UpstreamPermits implements AttemptPermits, Want {
  readonly policy: string = upstreamRefuses.as
  readonly refusal: Refusal = { reason: 'bulkhead_full', retryAfterMs: COME_AGAIN_MS }
  readonly upstream: string
  readonly waiting = 0
  readonly call: CallCell
  private readonly limit: number
  private readonly cell: HeldCell
  private readonly relief: Relief

  constructor(
    limit: number,
    {
      cells,
      relief,
      space,
      use,
    }: Pick<UpstreamContext<Leased<typeof attemptCells>>, 'cells' | 'relief' | 'space' | 'use'>,
  ) {
    this.upstream = use.name
    this.limit = limit
    this.cell = space.held(cells.inFlight)
    this.call = new CallCell(space.int32(cells.call), cells.call.slot)
    this.relief = relief
  }

  isFull(ending: number): boolean {
    return this.isTaken(ending) && !this.relief.end(this)
  }

  take(): boolean {
    const { cell, limit } = this
    return cell.takeBelow(limit) || (this.relief.end(this) && cell.takeBelow(limit))
  }

  give(): void {
    this.cell.give()
  }

  /** By name: permits that were taken under another limit are of the same cell. */
  frees({ ticket }: Stalled): boolean {
    return ticket?.permits?.upstream === this.upstream
  }

  called(now: number): boolean {
    return this.isTaken(0) && this.call.answer(now)
  }

  private isTaken(ending: number): boolean {
    return this.cell.sum() - ending >= this.limit
  }
}
