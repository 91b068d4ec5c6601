import { type Failure, failure, type Reason } from '../../../core/failures.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'

/**
 * Every rule by which a listener closes a connection or refuses a request before anything else looks at it: the label
 * `rule` of `sluice_client_faults_total` and the field of the access log. Constants, so that clients cannot create labels.
 */
export const RULES = {
  silent: 'no byte came within `timeouts.headers`; closed without an answer',
  slow_head: 'the head was not complete within `timeouts.headers`',
  cut_short: 'the client closed its side in the middle of a head',
  method: 'the request line does not begin with a known method',
  connect: 'CONNECT',
  tls: 'a TLS handshake, which a listener without TLS answers in plain text',
  http2: 'the preface of HTTP/2, which is refused in its own words (GOAWAY, HTTP_1_1_REQUIRED)',
  request_line: 'method, target and version are not where they belong: an extra space, or another protocol',
  target: 'the request target is neither a path nor an `http` URL, or contains forbidden characters',
  target_bytes: '`limits.targetBytes`',
  version: 'the version is neither HTTP/1.0 nor HTTP/1.1',
  host: '`Host` is missing, invalid or repeated',
  field: 'a header or trailer field has an invalid name or value',
  header_bytes: '`limits.headerBytes`',
  header_count: '`limits.headerCount`',
  line_end: 'a line does not end with CR LF',
  content_length: '`Content-Length` is invalid, repeated, or together with `Transfer-Encoding`',
  transfer_encoding: '`Transfer-Encoding` is invalid, unknown, or in HTTP/1.0',
  expectation: '`Expect` is not `100-continue`',
  chunk_size: 'the size of a chunk is invalid',
  chunk_extensions: 'the extensions of a chunk are invalid or too long',
  after_close: 'bytes behind a request with `Connection: close`',
  syntax: 'another error of the grammar',
} as const satisfies Record<string, string>

export type Rule = keyof typeof RULES

/** A client's fault that the listener itself finds. */
export function breach(rule: Rule, reason: Reason, detail?: string): Failure {
  return { ...failure(reason, 'request', 'client', detail), rule }
}

/** How much of a name is told. */
const MAX_NAMED = 64

/**
 * The fields take more than `limit`; the largest is named. `rest`: name of a field of which only so many octets have come;
 * nothing, where its name has not ended either.
 */
export function fieldsTooLarge(limit: number, fields: FlatHeaders, rest = '', restBytes = 0): Failure {
  let [name, most] = [rest, restBytes]
  for (let i = 0; i < fields.length; i += 2) {
    const bytes = (fields[i] as string).length + (fields[i + 1] as string).length
    if (bytes <= most) continue
    name = fields[i] as string
    most = bytes
  }
  const largest = name === '' ? '' : `; the largest is ${name.slice(0, MAX_NAMED)}`
  return breach(
    'header_bytes',
    'headers_too_large',
    `The header fields take more than limits.headerBytes (${limit})${largest}.`,
  )
}

/** The target is longer than `limit`. */
export function targetTooLong(limit: number): Failure {
  return breach('target_bytes', 'uri_too_long', `The target is longer than limits.targetBytes (${limit}).`)
}

export const SLOW_HEAD: Failure = breach(
  'slow_head',
  'request_timeout',
  'The head was not complete within timeouts.headers.',
)
export const HALF_A_HEAD: Failure = breach('cut_short', 'bad_request', 'The connection ended in the middle of a head.')
/** Never told: the request before it has the last answer. */
export const AFTER_CLOSE: Failure = breach('after_close', 'bad_request')
