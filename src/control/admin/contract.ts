/** What the admin server and the description of its API share. */

import type { Schema } from '../../schema/schema.ts'

/** In rising order: each may do what the ones before may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const

export type Role = (typeof ROLES)[number]

/** What `error` of an answer may say; for programs. */
export const ERROR_CODES = [
  'bad_host',
  'host_not_allowed',
  'foreign_origin',
  'unauthenticated',
  'forbidden',
  'content_type',
  'bad_request',
  'not_found',
  'refused',
  'internal',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** What a route takes: the description of the API shows it, and the route reads by the same schemas. */
export interface Takes {
  /** An object of its keys. */
  readonly query?: Schema<unknown>
  readonly body?: Schema<unknown>
  /** It can only say what would happen: `?dryRun=true`. */
  readonly dryRun?: boolean
  /** It minds `If-Match`. */
  readonly ifMatch?: boolean
}

/** A route of the admin server, as it is registered. */
export interface DescribedRoute {
  readonly method: 'GET' | 'POST'
  /** `/api/v1/requests/:id` */
  readonly path: string
  /** `nothing`: nobody is asked who he is. */
  readonly needs: Role | 'nothing'
  /** It changes something. */
  readonly acts: boolean
  readonly takes: Takes
}
