import type { Policy } from '../../core/policy.ts'

const NONE: readonly number[] = []

type Hook =
  | 'requestBody'
  | 'attempt'
  | 'attempted'
  | 'stream'
  | 'unusable'
  | 'recover'
  | 'respond'
  | 'responseBody'
  | 'settle'

/**
 * The policies of a route in stage order, with the places of those that define a hook, so that a hook that nobody
 * defines costs one comparison.
 */
export class Chain {
  readonly policies: readonly Policy[]
  readonly admit: boolean
  readonly requestBody: readonly number[]
  readonly attempt: readonly number[]
  readonly attempted: readonly number[]
  readonly unusable: readonly number[]
  readonly stream: readonly number[]
  readonly recover: readonly number[]
  readonly respond: readonly number[]
  readonly responseBody: readonly number[]
  readonly settle: readonly number[]

  constructor(policies: readonly Policy[]) {
    this.policies = policies
    this.admit = policies.some((policy) => policy.admit !== undefined)
    this.requestBody = places(policies, 'requestBody')
    this.attempt = places(policies, 'attempt')
    this.attempted = places(policies, 'attempted')
    this.unusable = places(policies, 'unusable')
    this.stream = places(policies, 'stream')
    this.recover = places(policies, 'recover')
    this.respond = places(policies, 'respond')
    this.responseBody = places(policies, 'responseBody')
    this.settle = places(policies, 'settle')
  }
}

export const EMPTY_CHAIN: Chain = new Chain([])

function places(policies: readonly Policy[], hook: Hook): readonly number[] {
  const found = policies.flatMap((policy, place) => (policy[hook] === undefined ? [] : [place]))
  return found.length === 0 ? NONE : found
}
