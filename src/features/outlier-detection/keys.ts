import { mapped, object, offOr, withDefault } from '../../schema/composites.ts'
import { boolean, duration, integer, oneOf, type Problem, parsed, ratio } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const deviations = parsed(
  'a number from 0.5 to 10 such as 1.9',
  (text): number | Problem => {
    const value = Number(text)
    return /^\d+(\.\d+)?$/.test(text) && value >= 0.5 && value <= 10 ? value : { problem: '' }
  },
  { type: 'number', minimum: 0.5, maximum: 10 },
)

const busyEndpoints = {
  minRequests: withDefault(
    integer(1, 1_000_000),
    100,
    'Minimum attempts in the interval for an endpoint to be judged.',
  ),
  minEndpoints: withDefault(integer(2, 10_000), 5, 'Minimum endpoints with that many attempts for any to be judged.'),
}

const all = object({
  consecutiveFailures: withDefault(
    offOr(integer(1, 10_000)),
    5,
    'Failed attempts in a row, across all workers, that eject an endpoint: no connection, reset, timeout, 502, 503 or 504. off: not judged by this.',
  ),
  consecutive5xx: withDefault(
    offOr(integer(1, 10_000)),
    'off',
    'The same, counting every status from 500 on. off: not judged by this.',
  ),
  failurePercentage: withDefault(
    offOr(
      object({
        threshold: withDefault(
          ratio(),
          '85%',
          'Share of failures and answers from 500 at which an endpoint is ejected.',
        ),
        ...busyEndpoints,
      }),
    ),
    'off',
    'Ejects by the share of failures in the latest interval.',
  ),
  successRate: withDefault(
    offOr(
      object({
        deviation: withDefault(
          deviations,
          1.9,
          'Standard deviations below the mean of all endpoints at which an endpoint is ejected.',
        ),
        ...busyEndpoints,
      }),
    ),
    'off',
    'Ejects by the distance of an endpoint’s share of successes below that of the others.',
  ),
  interval: withDefault(
    duration(1_000, 600_000),
    '10s',
    'Time over which shares are measured. After each interval without an ejection the next ejection gets shorter.',
  ),
  baseEjection: withDefault(
    duration(100, 3_600_000),
    '30s',
    'Duration of the first ejection; each further one in a row lasts one baseEjection longer.',
  ),
  maxEjection: withDefault(duration(100, 86_400_000), '5m', 'Longest duration of an ejection.'),
  maxEjected: withDefault(
    ratio(),
    '50%',
    'Share of the endpoints that may be ejected at the same time: of two or more at least one, and never the last usable one.',
  ),
  endOnHealthy: withDefault(boolean(), false, 'A passed health check ends an ejection early.'),
  mode: withDefault(
    oneOf('enforce', 'shadow'),
    'enforce',
    'enforce: endpoints are ejected. shadow: ejections are only logged and counted.',
  ),
})

/** Passive health: endpoints whose attempts fail get none for a while. */
export const keys = mapped(all, (options, refuse) => {
  if (options.maxEjection < options.baseEjection) return refuse('maxEjection is shorter than baseEjection')
  return options
})

/** Milliseconds, ratios; undefined: not judged by that rule. */
export type OutlierOptions = Infer<typeof keys>
