import { condition } from '../../http/schemas.ts'
import { mapped, object, oneOrMany, withDefault } from '../../schema/composites.ts'
import { duration, integer, oneOf, ratio } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const fields = object({
  errorRate: withDefault(ratio(), '50%', 'Share of failed attempts at which it opens.'),
  minRequests: withDefault(integer(1, 1_000_000), 20, 'Attempts in the window below which it never opens.'),
  window: withDefault(duration(1_000, 3_600_000), '10s', 'Time over which attempts are counted.'),
  when: withDefault(
    oneOrMany(condition),
    ['connect', 'reset', 'timeout', 502, 503, 504],
    'Which outcomes are failures.',
  ),
  openFor: withDefault(
    duration(100, 3_600_000),
    '5s',
    'How long it refuses all attempts; doubles with each opening in a row.',
  ),
  maxOpenFor: withDefault(duration(100, 86_400_000), '60s', 'The longest it does.'),
  halfOpen: withDefault(
    object({
      attempts: withDefault(
        integer(1, 1000),
        5,
        'Probes after that: so many at most at a time, and all must succeed. A request body is read first; of those above 64 KiB one is let through each second.',
      ),
      ramp: withDefault(
        duration(0, 3_600_000),
        '10s',
        'Time in which the admitted share then grows to all; 0s: at once.',
      ),
      lease: withDefault(duration(100, 3_600_000), '30s', 'A probe without an answer for so long has failed.'),
    }),
    {},
    'Probation.',
  ),
  mode: withDefault(
    oneOf('enforce', 'shadow'),
    'enforce',
    'shadow: it counts and changes its state, and refuses nothing.',
  ),
})

export const keys = mapped(fields, (options, refuse) =>
  options.maxOpenFor < options.openFor ? refuse('maxOpenFor is shorter than openFor') : options,
)

export type CircuitBreakerOptions = Infer<typeof keys>
