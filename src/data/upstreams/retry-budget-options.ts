import { object, withDefault } from '../../schema/composites.ts'
import { duration, integer, ratio } from '../../schema/scalars.ts'

/** How much retries may add. Names of Gateway API GEP-3388. */
export const retryBudgetOptions = object({
  percent: withDefault(ratio(), '20%', 'Retries, as a share of the first attempts of the latest interval.'),
  interval: withDefault(duration(1_000, 3_600_000), '10s', 'Over which they are counted, in all workers together.'),
  minRetryRate: withDefault(
    object({
      count: withDefault(integer(0, 1_000_000), 10, 'Retries that are always allowed.'),
      interval: withDefault(duration(100, 3_600_000), '1s', 'In this time.'),
    }),
    {},
    'So that a service with little traffic is retried, too.',
  ),
})
