import type { Downstream } from '../../core/downstream.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { Reply } from '../../core/verdict.ts'
import type { Hit } from '../routing/match.ts'
import type { RouteTable } from '../routing/table.ts'
import { isRefusedTarget, type NormalTarget, type RefusedTarget } from '../routing/target.ts'

const AMBIGUOUS = 'The path holds an escaped slash, a backslash or a NUL that would change its route.'
const ALL_METHODS = ['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']

/** The route of a request, or what it is answered with instead. `target`: `normaliseTarget` of its target. */
export function lookUp<T>(
  routes: RouteTable<T>,
  request: Pick<Downstream, 'target' | 'host' | 'method' | 'headers' | 'peer'>,
  target: NormalTarget | RefusedTarget,
): Hit<T> | Reply | Failure {
  if (request.target === '*') return { status: 204, headers: ALL_METHODS, body: undefined }
  if (isRefusedTarget(target)) return failure(target.reason, 'request', 'client', target.detail)
  const { host, method, headers, peer } = request
  const { path, query, readings } = target
  const found = routes.find({ host, path, query, method, headers, listener: peer.listener }, readings)
  if (found === undefined) return failure('no_route', 'request', 'client')
  if ('allow' in found) return notAllowed(found.allow)
  return 'ambiguous' in found ? failure('ambiguous_path', 'request', 'client', AMBIGUOUS) : found
}

function notAllowed(allow: readonly string[]): Failure {
  return { ...failure('method_not_allowed', 'request', 'client'), headers: ['allow', allow.join(', ')] }
}
