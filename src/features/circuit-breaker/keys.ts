import { condition } from '../../http/schemas.ts'
import { mapped, object, oneOrMany, withDefault } from '../../schema/composites.ts'
import { duration, integer, oneOf, ratio } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const fields = object({
  errorRate: withDefault(ratio(), '50%', 'Share of failed attempts in the window at which the breaker opens.'),
  minRequests: withDefault(integer(1, 1_000_000), 20, 'Minimum attempts in the window for the breaker to open.'),
  window: withDefault(duration(1_000, 3_600_000), '10s', 'Time over which attempts are counted.'),
  when: withDefault(
    oneOrMany(condition),
    ['connect', 'reset', 'timeout', 502, 503, 504],
    'Outcomes that count as failures.',
  ),
  openFor: withDefault(
    duration(100, 3_600_000),
    '5s',
    'Time for which the open breaker refuses all attempts; it doubles with each opening in a row.',
  ),
  maxOpenFor: withDefault(duration(100, 86_400_000), '60s', 'Longest time for which it refuses all attempts.'),
  halfOpen: withDefault(
    object({
      attempts: withDefault(
        integer(1, 1000),
        5,
        'Probes of the half-open breaker: at most this many at the same time, and all must succeed. A request body is read first; one request per second with a body above 64 KiB is let through.',
      ),
      ramp: withDefault(
        duration(0, 3_600_000),
        '10s',
        'Time in which the admitted share then grows to all requests. 0s: at once.',
      ),
      lease: withDefault(duration(100, 3_600_000), '30s', 'Time after which a probe without an answer has failed.'),
    }),
    {},
    'Probation.',
  ),
  mode: withDefault(
    oneOf('enforce', 'shadow'),
    'enforce',
    'enforce: the open breaker refuses attempts. shadow: refusals are only counted.',
  ),
})

export const keys = mapped(fields, (options, refuse) =>
  options.maxOpenFor < options.openFor ? refuse('maxOpenFor is shorter than openFor') : options,
)

export type CircuitBreakerOptions = Infer<typeof keys>
