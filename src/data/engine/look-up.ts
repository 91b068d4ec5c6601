import type { Downstream } from '../../core/downstream.ts'
import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { Reply } from '../../core/verdict.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import type { Hit } from '../routing/match.ts'
import { countingReadings } from '../routing/readings.ts'
import type { LookUp } from '../routing/search.ts'
import { METHODS } from '../routing/search.ts'
import type { RouteTable } from '../routing/table.ts'
import { isRefusedTarget, type NormalTarget, type RefusedTarget } from '../routing/target.ts'
import { countsHops } from './forward.ts'

type Request = Pick<Downstream, 'target' | 'host' | 'method' | 'headers' | 'peer'>

/** The route of a request, or the failure to answer with instead. `target`: `normaliseTarget` of its target. */
export function lookUp<T>(
  routes: RouteTable<T>,
  request: Request,
  target: NormalTarget | RefusedTarget,
): Hit<T> | Reply | Failure {
  if (request.target === '*') return options(METHODS)
  if (isRefusedTarget(target)) return failure(target.reason, 'request', 'client', target.detail)
  const { method, headers } = request
  const wanted = wantedBy(request, target)
  const found = routes.find(wanted, target.readings)
  if (found === undefined) return failure('no_route', 'request', 'client')
  if ('allow' in found) return notAllowed(found.allow)
  if ('ambiguous' in found) return failure('ambiguous_path', 'request', 'client', found.ambiguous)
  if (!countsHops(method) || !isLastHop(headers)) return found
  const allow = routes.methods(wanted)
  return method === 'OPTIONS' ? options(allow) : notAllowed(allow.filter((name) => name !== method))
}

/** Records on an exchange what was read of its target and found with it; `hit` undefined: nothing. */
export function writeDown<T>(ex: Exchange, target: NormalTarget, routes: RouteTable<T>, hit: Hit<T> | undefined): void {
  const { literal, path, query, readings } = target
  ex.path = path
  ex.query = query
  ex.forwardTarget = target.forward
  if (hit === undefined) return
  ex.params = hit.params
  if (readings !== undefined) ex.readings = countingReadings(readings, hit.encodedSlashes)
  if (literal !== undefined && !routes.leadsTo(wantedBy(ex.downstream, target), literal, hit))
    ex.forwardTarget = path + query
}

function wantedBy({ host, method, headers, peer }: Request, { path, query }: NormalTarget): LookUp {
  return { host, path, query, method, headers, listener: peer.listener }
}

/** It must not be forwarded (RFC 9110, section 7.6.2). */
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
