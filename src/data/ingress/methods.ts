import { METHODS } from 'node:http'
import { type Failure, failure } from '../../core/failures.ts'

export const CONNECT_REFUSED: Failure = failure('not_implemented', 'request', 'client', 'CONNECT is not served here.')
export const UNKNOWN_METHOD: Failure = failure(
  'bad_request',
  'request',
  'client',
  'The request line does not begin with a known method.',
)

/** Why node:http's parser keeps a method from the guard; undefined: it does not. */
export function methodRefusal(method: string): Failure | undefined {
  if (method === 'CONNECT') return CONNECT_REFUSED
  return METHODS.includes(method) ? undefined : UNKNOWN_METHOD
}
