import { block, columnsOf, HELD, type Leased, WORD, wordsOf } from '../../cells/shape.ts'
import type { Figure, Use } from '../../core/feature.ts'
import { ADAPTIVE_WORDS } from './adaptive-limit.ts'
import type { BulkheadOptions } from './keys.ts'
import { limitOf } from './limit.ts'
import { BOARD_SLOTS } from './queue-board.ts'

export function cells({ options: { adaptive, queue } }: Use<BulkheadOptions>) {
  return {
    /** `call`: to ask other workers for a permit that a stalled client holds, see `cells/call.ts`. */
    permits: block({ inFlight: HELD, call: WORD }),
    /**
     * `emptyAt`: when the queue was empty last, clock milliseconds in 32 bits, written by any worker; `excess`: how many
     * waiters must go for more important ones, by addition.
     */
    queue: queue && block({ waiting: HELD, board: columnsOf(BOARD_SLOTS), emptyAt: WORD, excess: WORD }),
    limit: adaptive && block({ state: wordsOf(ADAPTIVE_WORDS) }),
  }
}

export type BulkheadCells = Leased<ReturnType<typeof cells>>
export type QueueCells = NonNullable<BulkheadCells['queue']>

/** For the live view. */
export const figures = {
  queued: {
    doc: 'Requests that wait for a permit of the bulkhead now.',
    metric: 'sluice_queue_depth',
    otherwise: 0,
    of: (_use, { queue }, look) => queue && look.sum(queue.waiting),
  },
  permits: {
    doc: 'Permits that requests hold now; null without a bulkhead.',
    metric: 'sluice_bulkhead_in_flight',
    otherwise: null,
    of: (_use, { permits }, look) => look.sum(permits.inFlight),
  },
  limit: {
    doc: 'Permits of the bulkhead, held or free; null without a bulkhead.',
    metric: 'sluice_bulkhead_limit',
    otherwise: null,
    of: ({ options }, { limit }, look) => limitOf(options, limit && look.words(limit.state), limit?.state.slot ?? 0),
  },
} as const satisfies Readonly<Record<string, Figure<BulkheadOptions, BulkheadCells>>>
