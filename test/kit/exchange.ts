import type { Peer } from '../../src/core/downstream.ts'
import { Exchange } from '../../src/core/exchange.ts'
import { CollectingDownstream } from '../../src/data/engine/collect.ts'

export const PEER: Peer = { address: '192.0.2.7', port: 50_000, localPort: 8080, secure: false, listener: 'web' }

/** An exchange that nobody runs, for what only reads one. */
export function exchange(
  headers: readonly string[] = [],
  method = 'GET',
  target = '/',
  peer = PEER,
  authority = '',
): Exchange {
  const request = { method, target, authority, headers, body: undefined }
  return new Exchange(
    new CollectingDownstream(peer, request, 0, () => {}),
    1000,
    '0190aaaa-0000-7000-8000-000000000001',
    0,
  )
}
