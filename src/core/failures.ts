import { ABANDONED, FAILED, IGNORED, type Lesson, TIMED_OUT, UNSENT } from './lessons.ts'

/** Where in an exchange something happened: the answer to "when". */
export type Phase = 'request' | 'auth' | 'limit' | 'queue' | 'connect' | 'tls' | 'send' | 'headers' | 'body' | 'upgrade'

/** Who caused it: the answer to "who". */
export type Origin = 'client' | 'upstream' | 'sluice' | 'operator'

/**
 * How an objective counts a request that ended so. `slow`: as a slow one, if it took longer than the threshold of the
 * latency objective.
 */
export type Charge = 'bad' | 'slow' | 'nothing'

interface Row {
  /** HTTP status of the answer; only recorded, and never sent, where `proxyStatus` is undefined. */
  readonly status: number
  /** RFC 9209 proxy error type; undefined where no answer is sent. */
  readonly proxyStatus: string | undefined
  readonly title: string
  /** Whose fault it is, unless the failure itself says otherwise: a deadline may be the client's. */
  readonly fault: Origin
  /** What an attempt teaches that ended so, unless the attempt was still waiting: then {@link UNSENT}. */
  readonly teaches: Lesson
  readonly objectives: Charge
  /** Whether sending the same request again later can help. */
  readonly retryable: boolean
}

function row(
  status: number,
  proxyStatus: string | undefined,
  title: string,
  fault: Origin,
  teaches: Lesson,
  retryable = false,
): Row {
  const objectives = fault !== 'client' ? 'bad' : teaches === ABANDONED ? 'slow' : 'nothing'
  return { status, proxyStatus, title, fault, teaches, objectives, retryable }
}

/**
 * Every way in which Sluice itself answers or ends an exchange. The key is the stable `reason`: label in metrics, field
 * in the log, member in the problem document, anchor in docs/failures.md (a test holds both together). A retired reason
 * is never used again. Proxy error types are those of RFC 9209, section 2.3.
 */
export const FAILURES = {
  no_route: row(404, 'destination_not_found', 'No route matches this request', 'client', IGNORED),
  not_found: row(404, 'destination_not_found', 'There is nothing at this path', 'client', IGNORED),
  method_not_allowed: row(405, 'http_request_denied', 'The method is not allowed here', 'client', IGNORED),
  bad_request: row(400, 'http_request_error', 'The request is malformed', 'client', IGNORED),
  ambiguous_path: row(400, 'http_request_error', 'The path could be read in two ways', 'client', IGNORED),
  request_timeout: row(408, 'http_request_error', 'The request arrived too slowly', 'client', IGNORED, true),
  unsupported_media_type: row(415, 'http_request_error', 'The content type is not accepted here', 'client', IGNORED),
  expectation_failed: row(417, 'http_request_error', 'The expectation cannot be met', 'client', IGNORED),
  misdirected: row(421, 'http_request_error', 'The request came over the wrong connection', 'client', IGNORED),
  upgrade_required: row(426, 'http_request_error', 'Another version of the protocol is needed', 'client', IGNORED),
  not_implemented: row(501, 'http_request_error', 'This is not implemented here', 'client', IGNORED),
  loop_detected: row(502, 'proxy_loop_detected', 'The request has passed this gateway before', 'client', IGNORED),
  idempotency_conflict: row(
    409,
    'http_request_denied',
    'A request with this idempotency key is still running',
    'client',
    IGNORED,
    true,
  ),
  idempotency_mismatch: row(
    422,
    'http_request_denied',
    'This idempotency key belongs to another request',
    'client',
    IGNORED,
  ),
  unauthenticated: row(401, 'http_request_denied', 'Credentials are missing or wrong', 'client', IGNORED),
  forbidden: row(403, 'http_request_denied', 'This is not allowed', 'client', IGNORED),
  rate_limited: row(429, 'http_request_denied', 'Too many requests', 'client', IGNORED, true),
  body_too_large: row(413, 'http_request_error', 'The body is too large', 'client', IGNORED),
  uri_too_long: row(414, 'http_request_error', 'The request target is too long', 'client', IGNORED),
  headers_too_large: row(431, 'http_request_error', 'The header fields are too large', 'client', IGNORED),
  stalled_client: row(408, 'http_request_error', 'The client stalled while others waited', 'client', IGNORED, true),
  client_gone: row(499, undefined, 'The client closed the connection', 'client', ABANDONED),
  no_endpoint: row(503, 'destination_unavailable', 'No endpoint can be used', 'upstream', IGNORED, true),
  breaker_open: row(503, 'destination_unavailable', 'The circuit breaker is open', 'sluice', IGNORED, true),
  overloaded: row(503, 'connection_limit_reached', 'The gateway is overloaded', 'sluice', IGNORED, true),
  connections: row(503, 'connection_limit_reached', 'Too many connections', 'sluice', IGNORED, true),
  shed: row(503, 'connection_limit_reached', 'Less important requests are shed for now', 'sluice', IGNORED, true),
  bulkhead_full: row(503, 'connection_limit_reached', 'Too many requests are in flight', 'sluice', UNSENT, true),
  queue_timeout: row(
    503,
    'connection_limit_reached',
    'The request waited too long in the queue',
    'sluice',
    IGNORED,
    true,
  ),
  pool_full: row(503, 'connection_limit_reached', 'No connection became free in time', 'sluice', UNSENT, true),
  streams_full: row(503, 'connection_limit_reached', 'Too many streams are open', 'sluice', IGNORED, true),
  draining: row(503, 'proxy_internal_response', 'The gateway is shutting down', 'operator', IGNORED, true),
  connect_refused: row(502, 'connection_refused', 'The upstream refused the connection', 'upstream', FAILED, true),
  connect_failed: row(502, 'destination_ip_unroutable', 'The upstream could not be reached', 'upstream', FAILED, true),
  connect_timeout: row(504, 'connection_timeout', 'Connecting to the upstream took too long', 'upstream', FAILED, true),
  dns_error: row(502, 'dns_error', 'The name of the upstream could not be resolved', 'upstream', FAILED, true),
  idle_timeout: row(504, 'connection_read_timeout', 'The upstream fell silent', 'upstream', TIMED_OUT, true),
  total_exceeded: row(504, 'connection_read_timeout', 'The exchange took too long', 'sluice', TIMED_OUT, true),
  tls_error: row(502, 'tls_protocol_error', 'TLS with the upstream failed', 'upstream', FAILED, true),
  attempt_timeout: row(504, 'http_response_timeout', 'The upstream took too long', 'upstream', TIMED_OUT, true),
  deadline_exceeded: row(504, 'http_response_timeout', 'The request took too long', 'upstream', TIMED_OUT, true),
  deadline_unmeetable: row(504, 'http_response_timeout', 'The time left cannot suffice', 'sluice', IGNORED, true),
  upstream_reset: row(
    502,
    'connection_terminated',
    'The upstream closed the connection before answering',
    'upstream',
    FAILED,
    true,
  ),
  upstream_error: row(503, 'destination_unavailable', 'The upstream answered with an error', 'upstream', FAILED, true),
  bad_response: row(502, 'http_protocol_error', 'The upstream sent a malformed answer', 'upstream', FAILED, true),
  response_incomplete: row(
    502,
    'http_response_incomplete',
    'The answer of the upstream broke off',
    'upstream',
    FAILED,
    true,
  ),
  worker_lost: row(500, undefined, 'The worker that had the request ended', 'sluice', IGNORED),
  internal: row(500, 'proxy_internal_error', 'An error inside the gateway', 'sluice', IGNORED),
} as const satisfies Record<string, Row>

/** The stable name of a failure. */
export type Reason = keyof typeof FAILURES

/** A failure as a value; only `data/engine/failure-reply.ts` turns one into bytes. */
export interface Failure {
  readonly reason: Reason
  readonly phase: Phase
  readonly origin: Origin
  /** One safe sentence for the client: limits and field names, never values, addresses or stacks. */
  readonly detail?: string
  /**
   * The rule that was broken, where the reason stands for many: a constant, never what was sent; for an upstream's answer
   * with the name of the field. For logs, and for metrics of clients' faults.
   */
  readonly rule?: string
  /** Milliseconds after which another request makes sense. */
  readonly retryAfterMs?: number
  /** Replaces the table's proxy error type where one reason has two (a certificate or the protocol failed in TLS). */
  readonly proxyStatus?: string
  /** Extra answer fields, such as Allow. */
  readonly headers?: readonly string[]
  /** Replaces what the table's row teaches where that depends on how far the attempt was. */
  readonly teaches?: Lesson
}

/** A failure that has happened. `detail`: one safe sentence for the client; without it the title of the table is shown. */
export function failure(reason: Reason, phase: Phase, origin: Origin, detail?: string): Failure {
  return detail === undefined ? { reason, phase, origin } : { reason, phase, origin, detail }
}

/** What the client is told of it, in one sentence. */
export function detailOf({ detail, reason }: Failure): string {
  return detail ?? `${FAILURES[reason].title}.`
}

/** How the objectives count it. */
export function chargeOf({ reason, origin }: Failure): Charge {
  const { fault, objectives } = FAILURES[reason]
  // A deadline that the client shortened.
  return origin === 'client' && fault !== 'client' ? 'slow' : objectives
}
