import type { TransportFailure } from '../../core/transport.ts'

/** No connection is free, and none will be soon. */
export const POOL_FULL: TransportFailure = {
  reason: 'pool_full',
  phase: 'queue',
  connected: false,
  reused: false,
  bytesSent: false,
  refusedUnprocessed: false,
  requestDone: false,
  responseStarted: false,
}

/** No permit of the upstream is free. */
export const BULKHEAD_FULL: TransportFailure = { ...POOL_FULL, reason: 'bulkhead_full', phase: 'limit' }
