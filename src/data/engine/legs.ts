import type { Exchange } from '../../core/exchange.ts'
import type { Failure } from '../../core/failures.ts'
import type { BodyStage } from '../../core/policy.ts'
import type { Refusal } from '../../core/verdict.ts'
import { answerStages } from './answer.ts'
import type { Chain } from './chain.ts'
import { type HooksOwner, runRespond, runSettle, runUpstreamDone, streamRefusal } from './hooks.ts'
import type { RequestBody } from './replay.ts'
import { RequestStages } from './request-stages.ts'
import type { CompiledRoute } from './snapshot.ts'

/**
 * A route that a request has left for another one. Its policies as far as they were reached stay around those of the other:
 * they see the answer after them, and the end. They keep what they have in an exchange of their own.
 */
export interface Leg {
  readonly ex: Exchange
  readonly chain: Chain
  readonly route: CompiledRoute
  /** In whose place the other route answers; undefined: a policy sent the request there at once. */
  readonly failed: Failure | undefined
  /** Which `recover` hook is asked if that one has no answer, see `recover`. */
  readonly next: number
  readonly behind: Leg | undefined
}

/** A request that may have come from other routes. */
export interface OnItsWay extends HooksOwner {
  readonly chain: Chain
  readonly route: CompiledRoute | undefined
  readonly behind: Leg | undefined
}

/** Those that it is and was under. */
export function routesOnWay({ behind, route }: Pick<OnItsWay, 'behind' | 'route'>): readonly CompiledRoute[] {
  const routes = route === undefined ? [] : [route]
  for (let leg = behind; leg !== undefined; leg = leg.behind) routes.push(leg.route)
  return routes
}

/** The nearest route behind whose failure an answer takes the place of. */
export function failedBehind(leg: Leg | undefined): Leg | undefined {
  let at = leg
  while (at !== undefined && at.failed === undefined) at = at.behind
  return at
}

/** Asks the policies of all routes whether an event stream may begin, the latest first. */
export function streamRefusalOnWay(owner: OnItsWay): Refusal | undefined {
  let refusal = streamRefusal(owner, owner.ex, owner.chain)
  for (let leg = owner.behind; leg !== undefined && refusal === undefined; leg = leg.behind)
    refusal = streamRefusal(owner, leg.ex, leg.chain)
  return refusal
}

/** Stages of all routes for the body of the request, the first route first; those that there are stay. */
export function requestStagesOnWay(
  { behind, chain, clock, ex }: Pick<OnItsWay, 'behind' | 'chain' | 'clock' | 'ex'>,
  stages: RequestStages | undefined,
  body: RequestBody,
): RequestStages | undefined {
  const outer = behind === undefined ? stages : requestStagesOnWay({ ...behind, clock }, stages, body)
  if (chain.hooks.requestBody.length === 0) return outer
  const all = outer ?? new RequestStages(body, clock)
  all.add(ex, chain)
  return all
}

/** Some policy of the routes may read the bodies of answers. */
export function readsAnswers({ behind, chain }: Pick<OnItsWay, 'behind' | 'chain'>): boolean {
  return chain.hooks.responseBody.length > 0 || (behind !== undefined && readsAnswers(behind))
}

/** Stages of all routes for the body of the answer, innermost first. */
export function answerStagesOnWay(
  { behind, chain, ex }: OnItsWay,
  bug: (error: unknown) => void,
): readonly BodyStage[] {
  const stages = answerStages(ex, chain, bug)
  if (behind === undefined) return stages
  const all = [...stages]
  for (let leg: Leg | undefined = behind; leg !== undefined; leg = leg.behind)
    all.push(...answerStages(leg.ex, leg.chain, bug))
  return all
}

/** Runs the `respond` hooks of all routes on one head, the latest route first, then `done`. */
export function respondOnWay<O extends OnItsWay>(owner: O, done: (owner: O) => void): void {
  const { behind, chain, ex } = owner
  runRespond(owner, ex, chain, behind === undefined ? done : () => respondBehind(owner, ex, behind, done))
}

function respondBehind<O extends OnItsWay>(owner: O, from: Exchange, leg: Leg, done: (owner: O) => void): void {
  leg.ex.response = from.response
  runRespond(owner, leg.ex, leg.chain, () => {
    if (leg.behind !== undefined) respondBehind(owner, leg.ex, leg.behind, done)
    else {
      owner.ex.response = leg.ex.response
      done(owner)
    }
  })
}

/** Tells the policies of all routes that nothing more is wanted of the upstream. */
export function upstreamDoneOnWay(owner: OnItsWay): void {
  runUpstreamDone(owner, owner.ex, owner.chain)
  for (let leg = owner.behind; leg !== undefined; leg = leg.behind) runUpstreamDone(owner, leg.ex, leg.chain)
}

/**
 * The request ends, or comes back to a route that it had left: tells the policies of all routes before `until`, the latest
 * first, and gives back what they hold. Returns the exchange of the last one told.
 */
export function settleOnWay(owner: OnItsWay, until: Leg | undefined): Exchange {
  const { chain, route } = owner
  let at = owner.ex
  settle(owner, at, chain, route)
  for (let leg = owner.behind; leg !== undefined && leg !== until; leg = leg.behind) {
    leg.ex.endsAs(at)
    settle(owner, leg.ex, leg.chain, leg.route)
    leg.ex.counts(at)
    at = leg.ex
  }
  // Not before: policies would take the attempts of another route for theirs.
  if (until === undefined) at.attempt = owner.ex.attempt ?? at.attempt
  return at
}

function settle(owner: OnItsWay, ex: Exchange, chain: Chain, route: CompiledRoute | undefined): void {
  ex.finished = true
  if (ex.dependents !== undefined) for (const dependent of ex.dependents) dependent.cancel()
  runSettle(owner, ex, chain)
  route?.inFlight.give()
}
