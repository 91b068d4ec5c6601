import type { Schema } from '../schema/schema.ts'
import type { Policy, PolicyContext, PolicyDefinition } from './policy.ts'
import type { Services } from './services.ts'

/** A policy with all that the config and its docs need to know of it. The key on a route is its `name`. */
export interface ConfiguredPolicy<O = unknown> extends PolicyDefinition<O> {
  /** One sentence for the reference of the config. */
  readonly doc: string
  readonly schema: Schema<O>
  /** On without being asked for, with its defaults, on every route that has an upstream. */
  readonly byDefault?: boolean
  /** It answers in the place of an upstream: a route has exactly one of these and `to`. */
  readonly answers: boolean
  /** Names of the path parameters that the options speak of; every path of the route must have them. */
  params?(options: O): readonly string[]
  /** Names of the request's fields that the options set, add or remove. */
  requestFields?(options: O): readonly string[]
}

/** What a policy that judges by the request alone is compiled with. */
export interface ShapingContext extends Pick<PolicyContext, 'slot' | 'paramNames'> {
  readonly services: Pick<Services, 'forwardHeaders'>
}

/** Its hooks are synchronous and depend on the request alone, so that explain, replay and tests can run them. */
export interface ShapingPolicy<O = unknown> extends ConfiguredPolicy<O> {
  compile(options: O, context: ShapingContext): Policy | undefined
}
