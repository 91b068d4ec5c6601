import { condition } from '../../http/schemas.ts'
import { object, oneOrMany, withDefault } from '../../schema/composites.ts'
import { duration, integer, pattern } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

export const keys = object(
  {
    maxExtra: withDefault(integer(0, 10), 1, 'Maximum attempts after the first.'),
    when: withDefault(
      oneOrMany(condition),
      ['connect', 'reset', 502, 503, 504],
      'Outcomes after which another attempt may follow.',
    ),
    methods: withDefault(
      oneOrMany(pattern('a method in capitals such as GET', /^[A-Z][A-Z-]*$/)),
      ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'],
      'Methods that may be repeated once bytes were sent. Listing POST declares the route repeatable.',
    ),
    backoff: withDefault(
      object({
        base: withDefault(
          duration(0, 60_000),
          '25ms',
          'Longest wait before the second attempt; it doubles with each further one.',
        ),
        cap: withDefault(duration(0, 600_000), '250ms', 'Longest wait before any attempt.'),
      }),
      {},
      'Wait between attempts: exponential with full jitter.',
    ),
    retryAfterCap: withDefault(
      duration(0, 600_000),
      '5s',
      'Longest Retry-After to wait for, if the next attempt goes to the endpoint that sent it.',
    ),
  },
  { misplaced: { budget: 'upstreams.NAME.retryBudget' } },
)

export type RetryOptions = Infer<typeof keys>
