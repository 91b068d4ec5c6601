import { CellSpace } from '../../src/cells/space.ts'
import type { Peer } from '../../src/core/downstream.ts'
import { Exchange } from '../../src/core/exchange.ts'
import type { Policy, PolicyContext } from '../../src/core/policy.ts'
import { NO_RELIEF } from '../../src/core/relief.ts'
import type { Reply } from '../../src/core/verdict.ts'
import { CollectingDownstream } from '../../src/data/engine/collect.ts'
import { isRefusedTarget, normaliseTarget } from '../../src/data/routing/target.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import { ManualClock } from './clock.ts'
import { PEER } from './exchange.ts'
import { PATHS } from './lean.ts'
import { TestMail } from './mail.ts'

const NO_CELL = { page: 0, slot: 0 }

/** A context whose `forwardHeaders` starts as the request's own fields. */
export function policyContext(paramNames: readonly string[] = []): PolicyContext {
  const clock = new ManualClock()
  const kept = new Map<string, unknown>()
  return {
    slot: 0,
    route: 'r',
    cells: { inFlight: NO_CELL, breakers: {}, bulkhead: undefined, streams: undefined, call: NO_CELL },
    space: new CellSpace(1, 0),
    report: () => {},
    paramNames,
    clock,
    timers: new TimerWheel(clock),
    mail: new TestMail(),
    keep: (name, make) => {
      if (!kept.has(name)) kept.set(name, make())
      return kept.get(name) as never
    },
    relief: NO_RELIEF,
    lostWakeup: () => {},
    random: seededRandom(1),
    services: {
      forwardHeaders(ex) {
        ex.forwardHeaders ??= [...ex.headers]
        return ex.forwardHeaders
      },
      call: () => Promise.reject(new Error('not asked for')),
      route: () => Promise.reject(new Error('not asked for')),
      handle: () => {},
      background: () => false,
    },
  }
}

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
