import { createHash } from 'node:crypto'
import type { Exchange } from '../../core/exchange.ts'
import { type FlatHeaders, fieldValue } from '../../lib/headers.ts'

/** RFC 6455, section 1.3. */
const WEBSOCKET_ID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * What is wrong with a 101 to the protocol that was asked for, besides its `Upgrade` and `Connection`, which the transport
 * reads; undefined: nothing. RFC 6455, section 4.1: a server that did not read the key of the handshake speaks no WebSocket.
 */
export function upgradeProblem({ headers: asked, upgrade }: Exchange, headers: FlatHeaders): string | undefined {
  if (upgrade !== 'websocket') return undefined
  const key = fieldValue(asked, 'sec-websocket-key') ?? ''
  const due = createHash('sha1')
    .update(key.trim() + WEBSOCKET_ID)
    .digest('base64')
  return fieldValue(headers, 'sec-websocket-accept') === due ? undefined : 'Sec-WebSocket-Accept: not of this request'
}
