import { mapped, object, offOr, optional, withDefault } from '../../schema/composites.ts'
import { duration, integer, oneOf } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

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

export const keys = object({
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
