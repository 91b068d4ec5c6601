import { object, withDefault } from '../../schema/composites.ts'
import { duration, integer, ratio } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

/** How much retries may add. Names of Gateway API GEP-3388. */
export const keys = object({
  percent: withDefault(ratio(), '20%', 'Maximum retries, as a share of the first attempts of the latest interval.'),
  interval: withDefault(duration(1_000, 3_600_000), '10s', 'Time over which they are counted, across all workers.'),
  minRetryRate: withDefault(
    object({
      count: withDefault(integer(0, 1_000_000), 10, 'Retries that are allowed in any case.'),
      interval: withDefault(duration(100, 3_600_000), '1s', 'Time in which they are allowed.'),
    }),
    {},
    'Retries that are allowed in any case, for services with little traffic.',
  ),
})

/** Milliseconds and ratios. */
export type RetryBudgetOptions = Infer<typeof keys>
