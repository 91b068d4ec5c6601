import type { Failure } from '../../../core/failures.ts'
import { http } from '../../../lib/node-http.ts'
import { breach } from './rules.ts'

export const CONNECT_REFUSED: Failure = breach('connect', 'not_implemented', 'CONNECT is not supported.')
export const UNKNOWN_METHOD: Failure = breach(
  'method',
  'bad_request',
  'The request line does not begin with a known method.',
)

/** Why node:http's parser hides a method from the guard; undefined: it does not. */
export function methodRefusal(method: string): Failure | undefined {
  if (method === 'CONNECT') return CONNECT_REFUSED
  return http.METHODS.includes(method) ? undefined : UNKNOWN_METHOD
}
