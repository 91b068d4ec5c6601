import { lifeKeys } from '../../http/schemas.ts'
import { object, optional, required, withDefault } from '../../schema/composites.ts'
import { duration, integer, oneOf, size } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import type { WithFeatures } from './features.ts'
import { ownPathPolicyOptions } from './path-policy.ts'
import { fileMode, socketAddress } from './values.ts'

/** Keys of a listener, without those of features. */
export const listenerKeys = object(
  {
    listen: required(
      socketAddress(),
      'Address and port to listen on; port 0 lets the system choose. Or unix: and the path of a socket, such as unix:/run/sluice.sock, which the first worker alone accepts on.',
    ),
    mode: optional(fileMode(), 'Mode of the file of a unix: socket, which says who may connect. Default: 0660.'),
    timeouts: withDefault(
      object({
        headers: withDefault(duration(100), '10s', 'Longest time until the head of a request is complete.'),
        body: withDefault(duration(100), '60s', 'Longest gap between bytes of a request body; not a total.'),
        keepAlive: withDefault(duration(100), '75s', 'Time after which an idle connection is closed.'),
      }),
      {},
      'Timeouts for slow clients.',
    ),
    limits: withDefault(
      object({
        headerBytes: withDefault(
          size(1024, 1_048_576),
          '60KiB',
          'Maximum size of all header fields of a request together. Larger ones get 431.',
        ),
        headerCount: withDefault(integer(1, 2000), 100, 'Maximum number of header fields. Requests with more get 431.'),
        targetBytes: withDefault(
          size(64, 1_048_576),
          '16KiB',
          'Maximum size of the request target. Longer ones get 414.',
        ),
        connections: withDefault(
          integer(1, 1_000_000),
          20_000,
          'Maximum open connections, across all workers. Further ones get 503 connections.',
        ),
      }),
      {},
      'Limits on requests and connections.',
    ),
    connections: withDefault(
      object(
        lifeKeys(
          'Age at which a connection ends: its next answer says Connection: close, and an idle one is closed.',
          'Requests after which a connection ends: the answer to the last one says Connection: close.',
        ),
      ),
      {},
      'How long a connection of a client is used. Each one’s limits are up to 10 % lower, so that connections do not end together.',
    ),
    halfClose: withDefault(
      oneOf('auto', 'answer', 'abort'),
      'auto',
      'What it means that a client closes its side while it waits for an answer. answer: it still reads; abort: it has gone; auto: it has gone, unless that comes within 100 ms of the end of its request.',
    ),
    http1: withDefault(
      oneOf('own', 'node'),
      'own',
      'Server that speaks HTTP/1.1 on this listener: the one of Sluice, or that of Node.js.',
    ),
    pathPolicy: optional(
      ownPathPolicyOptions,
      'Handling of paths that servers read in different ways. Keys left out are as in the pathPolicy of the gateway.',
    ),
  },
  {
    later: ['tls', 'protocols', 'proxyProtocol', 'connect'],
    misplaced: { address: 'listen', port: 'listen', bind: 'listen' },
  },
)

export type ListenerKeys = WithFeatures<Infer<typeof listenerKeys>>
