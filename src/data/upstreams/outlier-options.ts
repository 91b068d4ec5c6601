import { mapped, object, offOr, withDefault } from '../../schema/composites.ts'
import { boolean, duration, integer, oneOf, type Problem, parsed, ratio } from '../../schema/scalars.ts'

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
    'Attempts in the interval below which an endpoint is not judged.',
  ),
  minEndpoints: withDefault(integer(2, 10_000), 5, 'Endpoints with so many attempts below which none is judged.'),
}

const keys = object({
  consecutiveFailures: withDefault(
    offOr(integer(1, 10_000)),
    5,
    'Failed attempts in a row, of all workers: no connection, reset, timeout, 502, 503 or 504.',
  ),
  consecutive5xx: withDefault(offOr(integer(1, 10_000)), 'off', 'The same, with every other status from 500, too.'),
  failurePercentage: withDefault(
    offOr(
      object({
        threshold: withDefault(ratio(), '85%', 'Share of failures and answers from 500 at which it is ejected.'),
        ...busyEndpoints,
      }),
    ),
    'off',
    'By the share of failures in the latest interval.',
  ),
  successRate: withDefault(
    offOr(
      object({
        deviation: withDefault(deviations, 1.9, 'Standard deviations below the mean of all endpoints.'),
        ...busyEndpoints,
      }),
    ),
    'off',
    'By how far its share of successes is below that of the others.',
  ),
  interval: withDefault(
    duration(1_000, 600_000),
    '10s',
    'Over which shares are taken. After each one without ejection the next ejection is shorter again.',
  ),
  baseEjection: withDefault(
    duration(100, 3_600_000),
    '30s',
    'How long the first ejection takes; the second in a row twice as long, and so on.',
  ),
  maxEjection: withDefault(duration(100, 86_400_000), '5m', 'The longest that one takes.'),
  maxEjected: withDefault(
    ratio(),
    '50%',
    'Share of the endpoints that may be ejected at a time; of two or more always one, and never the last usable one.',
  ),
  endOnHealthy: withDefault(boolean(), false, 'A passed health check ends an ejection early.'),
  mode: withDefault(oneOf('enforce', 'shadow'), 'enforce', 'shadow: it only tells what it would eject.'),
})

/** Passive health: endpoints whose attempts fail get none for a while. */
export const outlierOptions = mapped(keys, (options, refuse) => {
  if (options.maxEjection < options.baseEjection) return refuse('maxEjection is shorter than baseEjection')
  return options
})
