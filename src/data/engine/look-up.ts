import type { Downstream } from '../../core/downstream.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { Reply } from '../../core/verdict.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import type { Hit } from '../routing/match.ts'
import { METHODS } from '../routing/search.ts'
import type { RouteTable } from '../routing/table.ts'
import { isRefusedTarget, type NormalTarget, type RefusedTarget } from '../routing/target.ts'
import { countsHops } from './forward.ts'

const AMBIGUOUS = 'The path holds an escaped slash, a backslash or a NUL that would change its route.'

/** The route of a request, or what it is answered with instead. `target`: `normaliseTarget` of its target. */
export function lookUp<T>(
  routes: RouteTable<T>,
  request: Pick<Downstream, 'target' | 'host' | 'method' | 'headers' | 'peer'>,
  target: NormalTarget | RefusedTarget,
): Hit<T> | Reply | Failure {
  if (request.target === '*') return options(METHODS)
  if (isRefusedTarget(target)) return failure(target.reason, 'request', 'client', target.detail)
  const { host, method, headers, peer } = request
  const { path, query, readings } = target
  const wanted = { host, path, query, method, headers, listener: peer.listener }
  const found = routes.find(wanted, readings)
  if (found === undefined) return failure('no_route', 'request', 'client')
  if ('allow' in found) return notAllowed(found.allow)
  if ('ambiguous' in found) return failure('ambiguous_path', 'request', 'client', AMBIGUOUS)
  if (!countsHops(method) || !isLastHop(headers)) return found
  const allow = routes.methods(wanted)
  return method === 'OPTIONS' ? options(allow) : notAllowed(allow.filter((name) => name !== method))
}

/** It may go no further (RFC 9110, section 7.6.2). */
function isLastHop(headers: FlatHeaders): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() === 'max-forwards' && /^0+$/.test(headers[i + 1] as string)) return true
  }
  return false
}

function options(allow: readonly string[]): Reply {
  return { status: 204, headers: ['allow', allow.join(', ')], body: undefined }
}

function notAllowed(allow: readonly string[]): Failure {
  return { ...failure('method_not_allowed', 'request', 'client'), headers: ['allow', allow.join(', ')] }
}
