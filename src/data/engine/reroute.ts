import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { Hindrance } from '../../core/note.ts'
import type { RouteFacts } from '../../core/route-facts.ts'
import { isReroute, type Refusal } from '../../core/verdict.ts'
import { asError } from '../../lib/as-error.ts'
import { isRefusedTarget, normaliseTarget } from '../routing/target.ts'
import type { Clocks } from './clocks.ts'
import { failureReply } from './failure-reply.ts'
import { recover } from './hooks.ts'
import { failedBehind, type Leg, type OnItsWay, requestStagesOnWay, settleOnWay } from './legs.ts'
import { answerOurselves } from './own-answer.ts'
import type { RequestBody } from './replay.ts'
import type { Run } from './request.ts'
import type { CompiledRoute, Snapshot } from './snapshot.ts'

/** How many other routes a request may go on under. */
const MOST_REROUTES = 8

/** Of a request that a policy sends to a route that it cannot go on under. */
export const LOOP: Failure = failure(
  'loop_detected',
  'request',
  'operator',
  'Routes lead back to one that the request had before, or through too many others.',
)

/** Why it cannot go on under that route. */
export function hindrance(
  {
    behind,
    body,
    route,
  }: Pick<OnItsWay, 'behind' | 'route'> & { readonly body: { readonly repeatable: boolean } | undefined },
  to: CompiledRoute,
): Hindrance | undefined {
  let count = 1
  let before = route?.name === to.name
  for (let leg = behind; leg !== undefined; leg = leg.behind) {
    before ||= leg.route.name === to.name
    count++
  }
  if (before || count > MOST_REROUTES) return 'loop'
  return body?.repeatable === false ? 'body' : undefined
}

/** The request under another route, as if that one had matched it; it has no parameters of its path there. */
export function exchangeUnder(
  ex: Exchange,
  route: RouteFacts,
  slots: number,
  pathPolicy: Snapshot['pathPolicy'],
  now: number,
): Exchange {
  const next = ex.under(route, now, slots)
  const { peer, target } = ex.downstream
  const read = normaliseTarget(target, pathPolicy, peer.listener)
  if (!isRefusedTarget(read)) next.forwardTarget = read.literal === undefined ? read.forward : ex.path + ex.query
  return next
}

/** The request goes on under the route of that name, unless it cannot. `failed`, `next`: see {@link Leg}. */
export function goOn(run: Run, name: string, failed: Failure | undefined, next: number): Hindrance | undefined {
  const { behind, chain, clock, ex, snapshot } = run
  const from = run.route as CompiledRoute
  const clocks = run.clocks as Clocks
  const route = snapshot.routesByName.get(name)
  const why = route === undefined ? 'unknown' : hindrance(run, route)
  if (why === 'unknown') run.bug(new Error(`a policy sends requests on to ${name}, which is no route`))
  ex.note({ at: clock.now(), kind: 'rerouted', from: from.name, to: name, hindrance: why })
  if (route === undefined || why !== undefined) return why
  if (failed === undefined) clocks.shorten(ex.startedAt + ex.offeredMs)
  clocks.renew(route.limits)
  run.behind = { ex, chain, route: from, failed, next, behind }
  run.ex = exchangeUnder(ex, route, route.chain.slots.exchange, snapshot.pathPolicy, clock.now())
  run.ex.degraded = failed?.reason ?? ex.degraded
  if (failed !== undefined && !mayUpgrade(run.behind)) run.ex.offer = undefined
  run.chain = route.chain
  run.route = route
  run.enter(route, clocks)
  return undefined
}

/** In the place of a failure no protocol is changed that the route which failed, and every policy of it, did not let through. */
function mayUpgrade({ chain, ex }: Leg): boolean {
  return ex.upgrade !== undefined && ex.reached === chain.policies.length
}

/** The route that took the place of a failure has no answer: its policies are told, and it is under `to` again. */
export function comeBack(run: Run, to: Leg): void {
  to.ex.counts(settleOnWay(run, to))
  run.ex = to.ex
  run.chain = to.chain
  run.route = to.route
  run.behind = to.behind
}

/**
 * Asks the policies for an answer in the place of a failure, from place `from` of the `recover` hooks on: theirs, or that of
 * another route. Else the failure is the answer, that of the route which began with it.
 */
export function answerFor(run: Run, failed: Failure, from = 0): void {
  const { chain, ex } = run
  recover(
    run,
    chain,
    failed,
    (answer, next) => {
      if (answer === undefined) {
        const before = failedBehind(run.behind)
        if (before?.failed === undefined) answerOurselves(run, failureReply(failed, run))
        else {
          comeBack(run, before)
          answerFor(run, before.failed, before.next)
        }
      } else if (!isReroute(answer)) {
        ex.degraded = failed.reason
        answerOurselves(run, answer)
      } else if (goOn(run, answer.reroute, failed, next) !== undefined) answerFor(run, failed, next)
    },
    from,
  )
}

/** The policies that have come in read the body, too, and what was read of it already. */
export function openStages(run: Run, body: RequestBody): Refusal | Error | undefined {
  const before = run.stages?.count ?? 0
  try {
    run.stages = requestStagesOnWay(run, run.stages, body)
  } catch (error) {
    return asError(error)
  }
  return run.stages === undefined || run.stages.count === before ? undefined : run.stages.again(before)
}
