/** Where in an exchange something happened: the answer to "when". */
export type Phase = 'request' | 'auth' | 'limit' | 'queue' | 'connect' | 'tls' | 'send' | 'headers' | 'body' | 'upgrade'

/** Who caused it: the answer to "who". */
export type Origin = 'client' | 'upstream' | 'sluice' | 'operator'

interface Row {
  /** HTTP status of the answer; only recorded, and never sent, where `proxyStatus` is undefined. */
  readonly status: number
  /** RFC 9209 proxy error type; undefined where no answer is sent. */
  readonly proxyStatus: string | undefined
  readonly title: string
  /** Whether sending the same request again later can help. */
  readonly retryable: boolean
}

const row = (status: number, proxyStatus: string | undefined, title: string, retryable = false): Row => ({
  status,
  proxyStatus,
  title,
  retryable,
})

/**
 * Every way in which Sluice itself answers or ends an exchange. The key is the stable `reason`: label in metrics, field
 * in the log, member in the problem document, anchor in docs/failures.md (a test holds both together). A retired reason
 * is never used again. Proxy error types are those of RFC 9209, section 2.3.
 */
export const FAILURES = {
  no_route: row(404, 'destination_not_found', 'No route matches this request'),
  method_not_allowed: row(405, 'http_request_denied', 'The method is not allowed here'),
  bad_request: row(400, 'http_request_error', 'The request is malformed'),
  ambiguous_path: row(400, 'http_request_error', 'The path could be read in two ways'),
  request_timeout: row(408, 'http_request_error', 'The request arrived too slowly', true),
  unsupported_media_type: row(415, 'http_request_error', 'The content type is not accepted here'),
  expectation_failed: row(417, 'http_request_error', 'The expectation can not be met'),
  misdirected: row(421, 'http_request_error', 'The request came over the wrong connection'),
  not_implemented: row(501, 'http_request_error', 'This is not implemented here'),
  loop_detected: row(502, 'proxy_loop_detected', 'The request has passed this gateway before'),
  idempotency_conflict: row(409, 'http_request_denied', 'A request with this idempotency key is still running', true),
  idempotency_mismatch: row(422, 'http_request_denied', 'This idempotency key belongs to another request'),
  unauthenticated: row(401, 'http_request_denied', 'Credentials are missing or wrong'),
  forbidden: row(403, 'http_request_denied', 'This is not allowed'),
  rate_limited: row(429, 'http_request_denied', 'Too many requests', true),
  body_too_large: row(413, 'http_request_error', 'The body is too large'),
  uri_too_long: row(414, 'http_request_error', 'The request target is too long'),
  headers_too_large: row(431, 'http_request_error', 'The header fields are too large'),
  client_gone: row(499, undefined, 'The client closed the connection'),
  no_endpoint: row(503, 'destination_unavailable', 'No endpoint can be used', true),
  breaker_open: row(503, 'destination_unavailable', 'The circuit breaker is open', true),
  overloaded: row(503, 'connection_limit_reached', 'The gateway is overloaded', true),
  connections: row(503, 'connection_limit_reached', 'Too many connections', true),
  shed: row(503, 'connection_limit_reached', 'Less important requests are shed for now', true),
  bulkhead_full: row(503, 'connection_limit_reached', 'Too many requests are in flight', true),
  queue_timeout: row(503, 'connection_limit_reached', 'The request waited too long in the queue', true),
  pool_full: row(503, 'connection_limit_reached', 'No connection became free in time', true),
  streams_full: row(503, 'connection_limit_reached', 'Too many streams are open', true),
  draining: row(503, 'proxy_internal_response', 'The gateway is shutting down', true),
  connect_refused: row(502, 'connection_refused', 'The upstream refused the connection', true),
  connect_failed: row(502, 'destination_ip_unroutable', 'The upstream could not be reached', true),
  connect_timeout: row(504, 'connection_timeout', 'Connecting to the upstream took too long', true),
  dns_error: row(502, 'dns_error', 'The name of the upstream could not be resolved', true),
  idle_timeout: row(504, 'connection_read_timeout', 'The upstream fell silent', true),
  total_exceeded: row(504, 'connection_read_timeout', 'The exchange took too long', true),
  tls_error: row(502, 'tls_protocol_error', 'TLS with the upstream failed', true),
  attempt_timeout: row(504, 'http_response_timeout', 'The upstream took too long', true),
  deadline_exceeded: row(504, 'http_response_timeout', 'The request took too long', true),
  deadline_unmeetable: row(504, 'http_response_timeout', 'The time left can not suffice', true),
  upstream_reset: row(502, 'connection_terminated', 'The upstream closed the connection before answering', true),
  upstream_error: row(503, 'destination_unavailable', 'The upstream answered with an error', true),
  bad_response: row(502, 'http_protocol_error', 'The upstream sent a malformed answer', true),
  response_incomplete: row(502, 'http_response_incomplete', 'The answer of the upstream broke off', true),
  worker_lost: row(500, undefined, 'The worker that had the request ended'),
  internal: row(500, 'proxy_internal_error', 'An error inside the gateway'),
} as const satisfies Record<string, Row>

/** The stable name of a failure. */
export type Reason = keyof typeof FAILURES

/** A failure as a value; only engine/respond.ts turns one into bytes. */
export interface Failure {
  readonly reason: Reason
  readonly phase: Phase
  readonly origin: Origin
  /** One safe sentence for the client: limits and field names, never values, addresses or stacks. */
  readonly detail?: string
  /** When it makes sense to come again, in milliseconds. */
  readonly retryAfterMs?: number
  /** Replaces the table's proxy error type where one reason has two (a certificate or the protocol failed in TLS). */
  readonly proxyStatus?: string
  /** Extra answer fields, such as Allow. */
  readonly headers?: readonly string[]
}

export function failure(reason: Reason, phase: Phase, origin: Origin, detail?: string): Failure {
  return detail === undefined ? { reason, phase, origin } : { reason, phase, origin, detail }
}
