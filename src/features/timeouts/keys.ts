import { object, offOr, withDefault } from '../../schema/composites.ts'
import { duration, size } from '../../schema/scalars.ts'

const minRate = object({
  bytes: withDefault(size(1), '1KiB', 'Bytes per second.'),
  window: withDefault(duration(1000, 600_000), '30s', 'Time over which they are counted.'),
})

export const keys = object({
  request: withDefault(
    offOr(duration()),
    '15s',
    'Longest time until the head of the answer, with queueing, backoff and all attempts. It stands still while the request body moves. off: no limit.',
  ),
  attempt: withDefault(
    offOr(duration()),
    'off',
    'Longest time for one attempt; the last permitted one may use all the time left. off: no limit per attempt.',
  ),
  idle: withDefault(offOr(duration()), '60s', 'Longest silence in the body of an answer. off: no limit.'),
  stream: withDefault(offOr(duration()), '5m', 'Longest silence of an event stream, in place of idle. off: no limit.'),
  total: withDefault(offOr(duration()), 'off', 'Longest time for the whole exchange. off: no limit.'),
  minRate: withDefault(
    offOr(minRate),
    {},
    'Lowest rate at which a client may send the request body. While other requests need the resources of one, it also bounds how fast its client sends and reads, over 5 s. off: no limit.',
  ),
})
