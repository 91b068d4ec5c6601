import type { ListenerConfig } from '../../../core/config.ts'
import type { Failure } from '../../../core/failures.ts'
import { http } from '../../../lib/node-http.ts'
import { breach } from './rules.ts'

export const CONNECT_REFUSED: Failure = breach('connect', 'not_implemented', 'CONNECT is not supported.')
export const UNKNOWN_METHOD: Failure = breach(
  'method',
  'bad_request',
  'The request line does not begin with a known method.',
)

/** No registered method is longer than 20 octets. */
export const MAX_METHOD = 32
export const LONG_METHOD = `The method is longer than ${MAX_METHOD} characters.`

/** Why a listener refuses a method before the guard sees it; undefined: it does not. */
export function methodRefusal(method: string, http1: ListenerConfig['http1']): Failure | undefined {
  if (method === 'CONNECT') return CONNECT_REFUSED
  if (http1 === 'own') return method.length > MAX_METHOD ? breach('method', 'bad_request', LONG_METHOD) : undefined
  return http.METHODS.includes(method) ? undefined : UNKNOWN_METHOD
}
