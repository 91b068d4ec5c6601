import { list, object, withDefault } from '../../../schema/composites.ts'
import { duration, integer, size, text } from '../../../schema/scalars.ts'
import type { Infer } from '../../../schema/schema.ts'

export const managedKeys = object({
  reconnect: withDefault(
    object({
      max: withDefault(
        integer(1, 1000),
        5,
        'Maximum attempts in a row to put another upstream connection in the place of a lost one. Then the client gets Close 1012. One that lasted for less than 10 s does not end the row.',
      ),
      backoff: withDefault(
        object({
          base: withDefault(
            duration(0, 60_000),
            '100ms',
            'Longest wait before the first attempt; it doubles with each further one.',
          ),
          cap: withDefault(duration(0, 600_000), '5s', 'Longest wait before any attempt.'),
        }),
        {},
        'Wait before each attempt: exponential with full jitter.',
      ),
      within: withDefault(
        duration(100, 3_600_000),
        '30s',
        'Longest time that a client is kept without an upstream connection. Then it gets Close 1012.',
      ),
    }),
    {},
    'How a lost upstream connection is replaced.',
  ),
  buffer: withDefault(
    size(1, 16_777_216),
    '64KiB',
    'Bytes of messages that a client may send while it has no upstream connection. From there on it is not read until there is one.',
  ),
  maxMessage: withDefault(
    size(1024, 1_073_741_824),
    '1MiB',
    'Largest message from either side. A larger one closes both sides with 1009. Messages are passed on whole: that much memory may be held per direction.',
  ),
  onReconnect: withDefault(
    list(text('a text message')),
    [],
    'Text messages that each replacement gets first, in order: a subscription, for example. The first upstream connection gets none of them.',
  ),
})

export type ManagedOptions = Infer<typeof managedKeys>
