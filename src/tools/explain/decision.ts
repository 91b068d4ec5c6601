import type { LeanConfig, RouteConfig } from '../../core/config.ts'
import { Exchange } from '../../core/exchange.ts'
import { FAILURES, type Failure } from '../../core/failures.ts'
import type { Policy } from '../../core/policy.ts'
import { isReply, isReroute, type Reply, type Verdict } from '../../core/verdict.ts'
import { lookUp, writeDown } from '../../data/engine/look-up.ts'
import { exchangeUnder, LOOP } from '../../data/engine/reroute.ts'
import { isRefusedTarget, normaliseTarget } from '../../data/routing/target.ts'
import { hashesPath } from '../../data/upstreams/hash-key.ts'
import { type Asked, arrive } from './asked.ts'
import type { Model } from './model.ts'

/** Stands for values that Sluice makes at random for each request. */
export const MADE = '(made for each request)'

/** An answer by the gateway itself. */
export interface OwnAnswer {
  /** undefined: it depends on more than the request, and is known when that comes. */
  readonly status: number | undefined
  /** undefined: the config says so (redirect, respond). */
  readonly reason: string | undefined
  readonly detail: string | undefined
  /** Flat, without those of every answer. */
  readonly headers: readonly string[]
}

/** An answer of the gateway in a few words. */
export function answerText({ reason, status }: Pick<OwnAnswer, 'reason' | 'status'>): string {
  return status === undefined ? 'known when the request comes' : `${status} ${reason ?? 'as configured'}`
}

/** What goes to an upstream. */
export interface Forwarded {
  readonly target: string
  /** undefined: the endpoint's own. */
  readonly host: string | undefined
  /** Flat, without Host and framing. */
  readonly headers: readonly string[]
}

/** Of a feature that answers, and is not run here. */
const LATER: OwnAnswer = { status: undefined, reason: undefined, detail: undefined, headers: [] }

/** What becomes of a request before any upstream is asked. Either `answer` or `forward` is there. */
export interface RequestDecision {
  readonly ex: Exchange
  /** undefined: none was reached. */
  readonly route: RouteConfig | undefined
  readonly answer: OwnAnswer | undefined
  readonly forward: Forwarded | undefined
}

/** Runs a request through the listener's guard, the route table and the policies that shape it. Throws {@link AskedBadly}. */
export function decide(model: Model, asked: Asked): RequestDecision {
  const { downstream, refusal } = arrive(asked, model.lean)
  const ex = new Exchange(downstream, 0, MADE, 0)
  model.identity.identify(ex)
  if (!ex.continued) ex.traceparent = MADE
  if (refusal !== undefined) return { ex, route: undefined, answer: answerOf(refusal), forward: undefined }
  const target = normaliseTarget(downstream.target, model.lean.pathPolicy, downstream.peer.listener)
  const found = lookUp(model.routes, downstream, target)
  const hit = 'value' in found ? found : undefined
  if (!isRefusedTarget(target)) writeDown(ex, target, model.routes, hit)
  return hit === undefined
    ? { ex, route: undefined, answer: answerOf(found as Reply | Failure), forward: undefined }
    : shape(model, ex, hit.value)
}

/** `before`: names of the routes that it had already. */
function shape(model: Model, ex: Exchange, route: RouteConfig, before: readonly string[] = []): RequestDecision {
  const { features, forwarder, lean } = model
  const refused = (refusal: Failure): RequestDecision => ({ ex, route, answer: answerOf(refusal), forward: undefined })
  const forwardHeaders = (): string[] => {
    ex.forwardHeaders ??= forwarder.headers(ex)
    return ex.forwardHeaders
  }
  const policies = features.compilePure(route, lean, {
    forwardHeaders,
    hashesPath: () => decidesByPath(lean, ex, route),
  })
  for (const [i, policy] of policies.entries()) {
    const verdict = policy.admit?.(ex) as Verdict
    if (verdict === undefined) continue
    const reached = policies.slice(0, i + 1)
    if (isReroute(verdict)) {
      const had = [...before, route.name]
      const next = lean.routes.find(({ name }) => name === verdict.reroute && !had.includes(name))
      if (next === undefined) return refused(LOOP)
      const under = exchangeUnder(ex, { name: next.name, record: undefined }, 0, lean.pathPolicy, 0)
      const { answer, ...decision } = shape(model, under, next, had)
      if (answer?.status === undefined || answer.reason !== undefined) return { ...decision, answer }
      return { ...decision, answer: replied({ ...answer, status: answer.status }, ex, reached) }
    }
    if (!isReply(verdict)) return refused({ phase: 'limit', origin: 'sluice', ...verdict })
    return { ex, route, answer: replied(verdict, ex, reached), forward: undefined }
  }
  if (route.to === undefined) return { ex, route, answer: LATER, forward: undefined }
  const { forwardTarget: target, forwardAuthority: host } = ex
  return { ex, route, answer: undefined, forward: { target, host, headers: forwardHeaders() } }
}

function decidesByPath({ upstreams }: LeanConfig, ex: Exchange, { alternates, to = [] }: RouteConfig): boolean {
  const names = new Set([...to.map(({ upstream }) => upstream), ...alternates])
  return upstreams.some(({ balancing, name }) => names.has(name) && hashesPath(balancing.hashOn, ex))
}

/** A reply of a policy after the answer hooks of those that were reached. */
function replied(
  { status, headers }: Pick<Reply, 'status' | 'headers'>,
  ex: Exchange,
  reached: readonly Policy[],
): OwnAnswer {
  ex.response = { status, headers: [...headers] }
  for (const policy of reached.toReversed()) policy.respond?.(ex)
  return { status: ex.response.status, reason: undefined, detail: undefined, headers: ex.response.headers }
}

function answerOf(answer: Reply | Failure): OwnAnswer {
  if (isReply(answer)) return { status: answer.status, reason: undefined, detail: undefined, headers: answer.headers }
  const { status, title } = FAILURES[answer.reason]
  return { status, reason: answer.reason, detail: answer.detail ?? title, headers: answer.headers ?? [] }
}
