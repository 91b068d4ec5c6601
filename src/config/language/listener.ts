import { object, optional, required, withDefault } from '../../schema/composites.ts'
import { duration, integer, size } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import type { WithFeatures } from './features.ts'
import { ownPathPolicyOptions } from './path-policy.ts'
import { listenAddress } from './values.ts'

/** Keys of a listener, without those of features. */
export const listenerKeys = object(
  {
    listen: required(listenAddress(), 'Address and port; port 0 lets the system choose.'),
    timeouts: withDefault(
      object({
        headers: withDefault(duration(100), '10s', 'Until a request’s head is complete.'),
        body: withDefault(duration(100), '60s', 'The longest gap between bytes of a request body; never a total.'),
        keepAlive: withDefault(duration(100), '75s', 'How long an idle connection is kept.'),
      }),
      {},
      'Bounds on slow clients.',
    ),
    limits: withDefault(
      object({
        headerBytes: withDefault(size(1024, 1_048_576), '60KiB', 'All header fields of a request together.'),
        headerCount: withDefault(integer(1, 2000), 100, 'Number of header fields.'),
        targetBytes: withDefault(size(64, 1_048_576), '16KiB', 'The request target.'),
        connections: withDefault(integer(1, 1_000_000), 20_000, 'Open connections, of all workers together.'),
      }),
      {},
      'Bounds on the size of requests.',
    ),
    pathPolicy: optional(
      ownPathPolicyOptions,
      'Paths that could be read in two ways. What is left out is as in the pathPolicy of the gateway.',
    ),
  },
  {
    later: ['tls', 'protocols', 'proxyProtocol', 'connect'],
    misplaced: { address: 'listen', port: 'listen', bind: 'listen' },
  },
)

export type ListenerKeys = WithFeatures<Infer<typeof listenerKeys>>
