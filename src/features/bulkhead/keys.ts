import { mapped, object, offOr, optional, withDefault } from '../../schema/composites.ts'
import { duration, integer, oneOf } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const queue = object({
  size: withDefault(
    integer(1, 1_000_000),
    100,
    'Maximum waiting requests, across all workers. Further requests get 503 bulkhead_full.',
  ),
  maxWait: withDefault(duration(1, 600_000), '500ms', 'Longest wait for a permit; then 503 queue_timeout.'),
  fairBy: withDefault(
    oneOf('client', 'none'),
    'client',
    'client: waiting clients take turns, by their address. none: requests wait in one line, whatever their client.',
  ),
  newestFirstAfter: withDefault(
    offOr(duration(10, 600_000)),
    '100ms',
    'Once the queue has not been empty for this time, the newest requests go first, and none waits longer than this. off: always first in, first out.',
  ),
})

const adaptive = mapped(
  object({
    min: withDefault(integer(1, 1_000_000), 20, 'Smallest limit.'),
    max: withDefault(integer(1, 1_000_000), 1000, 'Largest limit.'),
    initial: withDefault(integer(1, 1_000_000), 100, 'Limit at the start.'),
  }),
  (options, refuse) => {
    const { min, max, initial } = options
    return min <= initial && initial <= max ? options : refuse('initial is not between min and max')
  },
)

export const keys = object({
  maxConcurrent: withDefault(
    integer(1, 1_000_000),
    1024,
    'Maximum requests in flight on the route, across all workers. Further requests wait in queue or get 503 bulkhead_full.',
  ),
  queue: withDefault(
    offOr(queue),
    'off',
    'Lets requests wait for a permit, in the order of their arrival. off: they are refused at once.',
  ),
  adaptive: optional(
    offOr(adaptive),
    'Measures how many requests the upstream can take and adapts the limit, never above maxConcurrent. off: the limit is maxConcurrent.',
  ),
  mode: withDefault(
    oneOf('enforce', 'shadow'),
    'enforce',
    'enforce: requests above the limit are refused. shadow: refusals are only counted.',
  ),
})

export type BulkheadOptions = Infer<typeof keys>
