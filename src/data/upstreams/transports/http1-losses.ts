import type { TransportFailure } from '../../../core/transport.ts'

/** Why an attempt failed; its connection knows how far it was. */
export type AttemptLoss = Pick<TransportFailure, 'reason' | 'phase' | 'cause' | 'proxyStatus' | 'rule'>

/** Before anything of the answer. */
export const LOSSES = {
  /** The peer closed the connection before it was used. */
  closed: { reason: 'upstream_reset', phase: 'send' },
  unwritable: ours('bad_request', 'the request cannot be written as HTTP/1.1'),
  tooLong: ours('internal', 'more body than its content-length'),
  tooShort: ours('internal', 'less body than its content-length'),
} as const satisfies Record<string, AttemptLoss>

/** The connection is gone. */
export function lost(cause: Error | undefined, requestDone: boolean, headDone: boolean): AttemptLoss {
  if (headDone) return { reason: 'response_incomplete', phase: 'body', cause }
  // With TLS 1.3 a server refuses the client's certificate after the handshake.
  if (isOfTls(cause)) return { reason: 'tls_error', phase: 'tls', cause, proxyStatus: 'tls_protocol_error' }
  return { reason: 'upstream_reset', phase: requestDone ? 'headers' : 'send', cause }
}

/** The answer breaks this rule of its grammar. */
export function malformed(rule: string, headDone: boolean): AttemptLoss {
  if (headDone) return { reason: 'response_incomplete', phase: 'body', rule }
  return { reason: 'bad_response', phase: 'headers', rule }
}

function ours(reason: AttemptLoss['reason'], message: string): AttemptLoss {
  return { reason, phase: 'send', cause: new Error(message) }
}

/** An alert of the peer, or a protocol other than TLS. */
function isOfTls(error: NodeJS.ErrnoException | undefined): boolean {
  return error?.code?.startsWith('ERR_SSL_') === true
}
