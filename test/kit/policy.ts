import type { Peer } from '../../src/core/downstream.ts'
import { Exchange } from '../../src/core/exchange.ts'
import type { Policy } from '../../src/core/policy.ts'
import type { Reply } from '../../src/core/verdict.ts'
import { CollectingDownstream } from '../../src/data/engine/collect.ts'
import { isRefusedTarget, normaliseTarget } from '../../src/data/routing/target.ts'
import { PEER } from './exchange.ts'
import { PATHS } from './lean.ts'

export interface Request {
  readonly target?: string
  readonly host?: string
  readonly headers?: readonly string[]
  readonly params?: readonly string[]
  readonly peer?: Partial<Peer>
}

/** An exchange as the engine makes it after the look-up. Dot segments are refused. */
export function routed({ target = '/', host = 'example.com', headers = [], params, peer }: Request): Exchange {
  const normal = normaliseTarget(target, PATHS, 'web')
  if (isRefusedTarget(normal)) throw new Error(normal.detail)
  const fields = host === '' ? headers : ['Host', host, ...headers]
  const request = { method: 'GET', target, headers: fields, body: undefined }
  const downstream = new CollectingDownstream({ ...PEER, ...peer }, request, 0, () => {})
  // A collecting downstream has no host of its own.
  Object.assign(downstream, { host: host.split(':')[0], authority: host })
  const ex = new Exchange(downstream, 0, '0190aaaa-0000-7000-8000-000000000001', 1)
  ex.path = normal.path
  ex.query = normal.query
  ex.forwardTarget = normal.forward
  ex.params = params
  return ex
}

/** The answer of a policy that answers itself. */
export function replyOf(policy: Policy | undefined, ex: Exchange): Reply {
  const verdict = policy?.admit?.(ex)
  if (verdict === undefined || verdict instanceof Promise || !('status' in verdict)) throw new Error('no reply')
  return verdict
}
