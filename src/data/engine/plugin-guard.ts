import type { Exchange } from '../../core/exchange.ts'
import { FAILURES } from '../../core/failures.ts'
import type { AnyFeature } from '../../core/feature.ts'
import type { BodyStage, Policy } from '../../core/policy.ts'
import type { TunnelStage } from '../../core/tunnel.ts'
import { dropReply } from '../../core/verdict.ts'
import { isThenable } from '../../lib/thenable.ts'
import { Timer } from '../../lib/timers.ts'
import type { FeatureDeps } from './compile-features.ts'
import { SlowHooks } from './slow-hooks.ts'

/** Milliseconds that an asynchronous hook may take. */
const HOOK_MS = 5_000

type Deps = Pick<FeatureDeps, 'clock' | 'timers' | 'metrics' | 'report' | 'keep'>
type Hook = Exclude<keyof Policy, 'name' | 'behindGate'>

/** What is looked at. */
type Given = 'verdict' | 'stage' | 'tunnel' | 'page'

/** What a hook may give; the others give a boolean or nothing. */
const GIVES: { readonly [H in Hook]: Given | 'other' } = {
  admit: 'verdict',
  left: 'other',
  requestBody: 'stage',
  handle: 'verdict',
  attempt: 'verdict',
  usable: 'other',
  attempted: 'other',
  unusable: 'other',
  stream: 'verdict',
  tunnel: 'tunnel',
  recover: 'verdict',
  page: 'page',
  respond: 'other',
  responseBody: 'stage',
  upstreamDone: 'other',
  yields: 'other',
  called: 'other',
  settle: 'other',
}
/** The engine waits for what these promise; a promise of another one is looked at like anything else that it gives. */
const WAITED: ReadonlySet<Hook> = new Set(['admit', 'handle', 'recover', 'respond'])
const NOT_FLAT = 'headers that are no flat list of names and values, all of them texts'
const HOOKS = Object.keys(GIVES) as readonly Hook[]

/**
 * The policies of a plug-in, as the engine may call them: what a hook throws names the plug-in, what it gives is looked at,
 * one that holds its worker up is counted and told, and one that waits ends at its deadline. Features of Sluice are not
 * wrapped.
 */
export function guardedPolicies(
  feature: AnyFeature,
  compile: () => Readonly<Record<string, Policy>> | undefined,
  deps: Deps,
): Readonly<Record<string, Policy>> | undefined {
  const guard = new Guard(feature, deps)
  const policies = guard.named('compile', compile)
  if (policies === undefined) return undefined
  const wrapped = Object.entries(policies).map(([place, policy]) => [place, guard.policy(place, policy)] as const)
  return Object.fromEntries(wrapped)
}

class Guard {
  private readonly feature: AnyFeature
  private readonly plugin: string
  private readonly deps: Deps
  private readonly slow: SlowHooks

  constructor(feature: AnyFeature, deps: Deps) {
    this.feature = feature
    this.plugin = feature.plugin ?? ''
    this.deps = deps
    this.slow = deps.keep('slow hooks of plug-ins', () => new SlowHooks())
  }

  /** What it throws names the plug-in. */
  named<T>(what: string, call: () => T): T {
    try {
      return call()
    } catch (error) {
      throw this.blamed(what, error)
    }
  }

  policy(place: string, policy: Policy): Policy {
    const { name, places = {} } = this.feature
    const what = `what compile gives for ${JSON.stringify(place)}`
    if (!Object.hasOwn(places, place)) throw this.blamed(what, `there is no such place in its places`)
    if (typeof policy !== 'object' || policy === null) throw this.blamed(what, 'it is no policy')
    const odd = Object.keys(policy).find((key) => isFunction(policy, key) && !HOOKS.includes(key as Hook))
    if (odd !== undefined) throw this.blamed(what, `there is no hook ${odd}; known are ${HOOKS.join(', ')}`)
    const hooks = HOOKS.flatMap((hook) => {
      if (policy[hook] === undefined) return []
      if (typeof policy[hook] !== 'function') throw this.blamed(what, `${hook} is no function`)
      return [[hook, this.hook(policy, hook)] as const]
    })
    return { name, behindGate: policy.behindGate === true, ...Object.fromEntries(hooks) }
  }

  private hook(policy: Policy, hook: Hook): unknown {
    const own = policy as unknown as Readonly<Record<Hook, (ex: Exchange, a: unknown, b: unknown) => unknown>>
    const waited = WAITED.has(hook)
    return (ex: Exchange, a: unknown, b: unknown): unknown => {
      const value = this.timed(hook, () => own[hook](ex, a, b))
      return waited && isThenable(value) ? this.inTime(hook, value, ex) : this.checked(hook, value, ex)
    }
  }

  /** What a hook gave, at last. */
  private checked(hook: Hook, value: unknown, ex: Exchange): unknown {
    if (hook === 'respond') this.flat(ex)
    const gives = GIVES[hook]
    return gives === 'other' || value === undefined ? value : this.looked(hook, gives, value)
  }

  /** What is no text would break the answer off at the end of its way, where it cannot be told any more whose it was. */
  private flat({ response }: Exchange): void {
    if (response !== undefined && !isFlat(response.headers)) throw this.blamed('respond', `it left ${NOT_FLAT}`)
  }

  private looked(hook: Hook, gives: Given, value: unknown): unknown {
    const problem = PROBLEMS[gives](value)
    if (problem !== undefined) throw this.blamed(hook, `it gave ${problem}`)
    if (gives === 'stage') return this.stage(hook, value as BodyStage)
    return gives === 'tunnel' ? this.tunnel(hook, value as TunnelStage) : value
  }

  private stage(hook: Hook, stage: BodyStage): BodyStage {
    const calls: { readonly [K in keyof Required<BodyStage>]: BodyStage[K] } = {
      changesLength: stage.changesLength,
      push: (chunk) => this.timed(hook, () => stage.push(chunk)),
      end: () => this.timed(hook, () => stage.end()),
    }
    return calls
  }

  private tunnel(hook: Hook, stage: TunnelStage): TunnelStage {
    const calls: { readonly [K in keyof Required<TunnelStage>]: TunnelStage[K] } = {
      start: (tunnel) => this.timed(hook, () => stage.start(tunnel)),
      push: (from, chunk) => this.timed(hook, () => stage.push(from, chunk)),
      closed: (from) => this.timed(hook, () => stage.closed(from)),
      leave: (why, ms) => this.timed(hook, () => stage.leave(why, ms)),
      over: () => this.timed(hook, () => stage.over()),
    }
    return calls
  }

  private timed<T>(hook: string, call: () => T): T {
    const { clock, metrics, report } = this.deps
    const began = clock.passing.now()
    try {
      return call()
    } catch (error) {
      throw this.blamed(hook, error)
    } finally {
      const now = clock.passing.now()
      this.slow.took(this.plugin, hook, now - began, now, { metrics, report })
    }
  }

  /** Who waits is told that it left, as for any exchange that ends. */
  private inTime(hook: Hook, value: PromiseLike<unknown>, ex: Exchange): Promise<unknown> {
    const { timers } = this.deps
    const { hookMs = HOOK_MS } = this.feature
    return new Promise((resolve, reject) => {
      let over = false
      const timer = new Timer(() => {
        over = true
        reject(this.blamed(hook, `it has not ended within ${hookMs} ms`))
      })
      timers.schedule(timer, hookMs)
      value.then(
        (late) => {
          timers.cancel(timer)
          if (over) {
            dropped(late)
            return
          }
          try {
            resolve(this.checked(hook, late, ex))
          } catch (error) {
            reject(error as Error)
          }
        },
        (error: unknown) => {
          timers.cancel(timer)
          reject(this.blamed(hook, error))
        },
      )
    })
  }

  /** An error that operators read; clients never do. */
  private blamed(what: string, error: unknown): Error {
    const text = error instanceof Error ? error.message : String(error)
    const told = new Error(`the plug-in ${this.plugin}, ${this.feature.name}: ${what}: ${text}`)
    if (error instanceof Error && error.stack !== undefined) told.stack = `${told.message}\n${error.stack}`
    return told
  }
}

/** Own members only: a class may have methods of its own besides. */
function isFunction(policy: Policy, key: string): boolean {
  return typeof (policy as unknown as Readonly<Record<string, unknown>>)[key] === 'function'
}

function dropped(value: unknown): void {
  if (value !== undefined && verdictProblem(value) === undefined && 'status' in (value as object))
    dropReply(value as never)
}

/** What is wrong with a value where a refusal, a reply or a change of the route may be; undefined: nothing. */
function verdictProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return `${String(value)}, which is no refusal and no reply`
  const { body, headers, reason, reroute, status } = value as Readonly<Record<string, unknown>>
  if (reason !== undefined)
    return typeof reason === 'string' && Object.hasOwn(FAILURES, reason)
      ? undefined
      : `the reason ${String(reason)}, which docs/failures.md does not have`
  if (reroute !== undefined) return typeof reroute === 'string' ? undefined : 'a reroute that is no name of a route'
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599)
    return `the status ${String(status)}, which no answer has`
  if (!isFlat(headers)) return NOT_FLAT
  const isSource = typeof body === 'object' && body !== null && 'start' in body && 'cancel' in body
  return body === undefined || Buffer.isBuffer(body) || isSource ? undefined : 'a body that is no Buffer and no source'
}

function isFlat(headers: unknown): boolean {
  return Array.isArray(headers) && headers.length % 2 === 0 && headers.every((text) => typeof text === 'string')
}

function stageProblem(value: unknown): string | undefined {
  const { changesLength, end, push } = (value ?? {}) as Readonly<Record<string, unknown>>
  const isStage = typeof push === 'function' && typeof end === 'function' && typeof changesLength === 'boolean'
  return isStage ? undefined : 'no body stage: changesLength, push and end'
}

/** Ends of tunnels are for features of Sluice alone. */
function tunnelProblem(value: unknown): string | undefined {
  const stage = (value ?? {}) as Readonly<Record<string, unknown>>
  const isStage = ['start', 'push', 'closed', 'leave', 'over'].every((call) => typeof stage[call] === 'function')
  return isStage ? undefined : 'no stage of a tunnel: start, push, closed, leave and over'
}

/** The answer to a failure waits for nothing. */
function pageProblem(value: unknown): string | undefined {
  const { body, type } = (value ?? {}) as Readonly<Record<string, unknown>>
  return typeof type === 'string' && Buffer.isBuffer(body) ? undefined : 'no page: type, a text, and body, a Buffer'
}

const PROBLEMS: Readonly<Record<Given, (value: unknown) => string | undefined>> = {
  verdict: verdictProblem,
  stage: stageProblem,
  tunnel: tunnelProblem,
  page: pageProblem,
}
