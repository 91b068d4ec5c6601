import type { HeldCell } from '../../cells/held.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { Policy, PolicyContext, Refusal } from '../../core/policy.ts'
import { object, withDefault } from '../../schema/composites.ts'
import { integer, oneOf } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import type { ConfiguredPolicy } from './definition.ts'

const keys = object({
  maxConcurrent: withDefault(integer(1, 1_000_000), 1024, 'Requests at a time, of all workers together.'),
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
  why: 'Whoever is answered without the upstream needs no permit, and one permit covers all tries of a request.',
  doc: 'Bounds the requests that the route has in flight, so that one slow service can not take everything.',
  answers: false,
  byDefault: true,
  schema: keys,
  compile(options, context) {
    const { bulkhead: cells } = context.cells
    return cells === undefined ? undefined : new Bulkhead(options, context, context.space.held(cells.inFlight))
  },
}

class Bulkhead implements Policy {
  readonly name = 'bulkhead'
  readonly slot: number
  private readonly limit: number
  private readonly inFlight: HeldCell
  private readonly enforces: boolean

  constructor({ maxConcurrent, mode }: BulkheadOptions, { slot }: PolicyContext, inFlight: HeldCell) {
    this.slot = slot
    this.limit = maxConcurrent
    this.inFlight = inFlight
    this.enforces = mode === 'enforce'
  }

  admit(ex: Exchange) {
    if (this.inFlight.takeBelow(this.limit)) {
      ex.state[this.slot] = true
      return undefined
    }
    if (this.enforces) return FULL
    ex.route?.record?.refused(this.name, 'bulkhead_full', 'shadow')
    this.inFlight.take()
    ex.state[this.slot] = true
    return undefined
  }

  settle(ex: Exchange): void {
    if (ex.state[this.slot] !== true) return
    ex.state[this.slot] = undefined
    this.inFlight.give()
  }
}
