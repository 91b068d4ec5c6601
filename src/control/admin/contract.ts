/** What the admin server and the description of its API share. */

import type { RefusedFor, Role, Takes } from '../../core/operation.ts'
import type { RouteDescription } from './openapi/description.ts'

/** Every kind of error that the API answers, with its title. A code is never used again for something else. */
export const ERRORS = {
  bad_host: 'There is not exactly one valid Host field',
  host_not_allowed: 'This host name is not allowed',
  foreign_origin: 'The request comes from another site',
  unauthenticated: 'Credentials are missing or wrong',
  forbidden: 'The role is insufficient',
  content_type: 'The content type is not accepted here',
  bad_request: 'The request is not valid',
  not_found: 'This does not exist',
  method_not_allowed: 'The method is not allowed here',
  refused: 'This cannot be done now',
  internal: 'An error inside the gateway',
} as const

export type ErrorCode = keyof typeof ERRORS

/** The content type of an error (RFC 9457). */
export const PROBLEM_JSON = 'application/problem+json'

/** Fields of every answer that has no others of these names. */
export const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

/** The `type` of an error, for programs. */
export function problemType(code: ErrorCode): string {
  return `urn:sluice:admin:${code}`
}

/** The status of each refusal. */
export const REFUSAL_STATUS: Readonly<Record<RefusedFor | 'missing', number>> = {
  missing: 404,
  changed: 412,
  invalid: 422,
  unavailable: 503,
}

/** A route of the admin server, as it is registered. */
export interface DescribedRoute {
  readonly method: 'GET' | 'POST'
  /** `/api/v1/requests/:id` */
  readonly path: string
  /** `nothing`: no credentials are asked for. */
  readonly needs: Role | 'nothing'
  /** It changes something. */
  readonly acts: boolean
  readonly takes: Takes
  readonly says: RouteDescription
}
