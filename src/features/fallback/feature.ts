import type { Exchange } from '../../core/exchange.ts'
import type { Failure, Reason } from '../../core/failures.ts'
import { defineFeature, type FeatureContext } from '../../core/feature.ts'
import { outcomeClass } from '../../core/outcome.ts'
import type { Policy, Recovery } from '../../core/policy.ts'
import type { Reroute } from '../../core/verdict.ts'
import { compileFixed, type FixedOptions, type FixedReply, fixedKeys, fixedProblem } from '../../http/fixed.ts'
import { troubleCondition } from '../../http/schemas.ts'
import { FAILURE_VALUES } from '../../http/template.ts'
import { mapped, object, oneOrMany, optional, withDefault } from '../../schema/composites.ts'
import { reference } from '../../schema/mark.ts'
import { pattern } from '../../schema/scalars.ts'

const SAFE: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

const keys = object({
  when: withDefault(
    oneOrMany(troubleCondition),
    ['unavailable', 'timeout'],
    'Failures in whose place the fallback answers. unavailable: no connection, reset, no endpoint, an open breaker, full bulkheads, queues and pools, shed, and 502, 503, 504 of the upstream.',
  ),
  methods: withDefault(
    oneOrMany(pattern('a method in capitals such as GET', /^[A-Z][A-Z-]*$/)),
    ['GET', 'HEAD'],
    'Methods for which the fallback answers.',
  ),
  ...fixedKeys(FAILURE_VALUES),
  route: optional(reference('route'), 'A route that answers instead, with its own upstream and policies.'),
})

export interface FallbackOptions extends FixedOptions {
  readonly when: readonly (string | number)[]
  readonly methods: readonly string[]
  readonly route: string | undefined
}

/** An answer where there would be none: a fixed one, or that of another route. Marked with `sluice-degraded`. */
export const fallback = defineFeature({
  name: 'fallback',
  doc: 'Answers when no upstream does: with a fixed answer, or with that of another route.',
  keys: {
    route: mapped(keys, (options, refuse) => {
      const problem = fixedProblem(options)
      if (problem !== undefined) return refuse(problem)
      const fixed = options.headers !== undefined || options.body !== undefined
      if (options.route !== undefined && fixed)
        return refuse('route excludes the other keys: the other route gives the whole answer')
      const unsafe = options.methods.find((method) => !SAFE.includes(method))
      if (unsafe !== undefined && options.route === undefined && options.status < 300)
        return refuse(
          `${unsafe} must not be answered with ${options.status}: nothing was done; give it a status from 300`,
        )
      return options
    }),
  },
  places: {
    recover: {
      stage: 140,
      why: 'It comes last: only when no attempt, no other endpoint and no failover upstream could give an answer.',
    },
  },
  lints: () => import('./lints.ts'),
  compile: (options, context) => ({ recover: new Fallback(options, context) }),
})

class Fallback implements Policy {
  readonly name: string
  private readonly when: ReadonlySet<string | number>
  private readonly methods: ReadonlySet<string>
  /** undefined: a fixed answer. */
  private readonly route: Reroute | undefined
  private readonly reply: FixedReply

  constructor(options: FallbackOptions, { feature, paramNames }: Pick<FeatureContext, 'feature' | 'paramNames'>) {
    this.name = feature
    this.when = new Set(options.when)
    this.methods = new Set(options.methods)
    this.route = options.route === undefined ? undefined : { reroute: options.route }
    this.reply = compileFixed(options, { values: FAILURE_VALUES, paramNames })
  }

  unusable(ex: Exchange, status: number): boolean {
    if (!this.methods.has(ex.method)) return false
    const gateway = status >= 502 && status <= 504
    return this.when.has(status) || this.when.has('5xx') || (gateway && this.when.has('unavailable'))
  }

  recover(ex: Exchange, failed: Failure): Recovery | undefined {
    if (!this.methods.has(ex.method)) return undefined
    // `unusable` has judged unusable answers.
    if (failed.reason !== 'upstream_error' && !this.covers(failed.reason)) return undefined
    if (this.route !== undefined) return this.route
    return typeof this.reply === 'function' ? this.reply(ex, failed) : this.reply
  }

  private covers(reason: Reason): boolean {
    const outcome = outcomeClass(reason)
    if (outcome !== undefined && this.when.has(outcome)) return true
    return this.when.has('unavailable') && (outcome === 'connect' || outcome === 'reset' || UNAVAILABLE.has(reason))
  }
}

const UNAVAILABLE: ReadonlySet<Reason> = new Set([
  'no_endpoint',
  'breaker_open',
  'bulkhead_full',
  'queue_timeout',
  'pool_full',
  'streams_full',
  'shed',
])
