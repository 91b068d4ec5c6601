import type { Policy } from '../../core/policy.ts'

type Hook =
  | 'admit'
  | 'requestBody'
  | 'usable'
  | 'attempt'
  | 'attempted'
  | 'stream'
  | 'unusable'
  | 'recover'
  | 'respond'
  | 'responseBody'
  | 'settle'

/** The places of the policies that define a hook, in stage order: a hook that no policy defines costs one comparison. */
export type Hooks = Readonly<Record<Hook, readonly number[]>>

/** How many places for the states of features an exchange and an attempt need. */
export interface SlotCounts {
  readonly exchange: number
  readonly attempt: number
}

const NO_SLOTS: SlotCounts = { exchange: 0, attempt: 0 }

/** The policies of a route in stage order. */
export class Chain {
  readonly policies: readonly Policy[]
  readonly hooks: Hooks
  readonly slots: SlotCounts
  /** Made when they are asked for. */
  private tails: Map<Policy, Chain> | undefined = undefined

  /** `hooks`: {@link hooksOf} these policies; chains with equal hooks share one object. */
  constructor(policies: readonly Policy[], slots: SlotCounts = NO_SLOTS, hooks: Hooks = hooksOf(policies)) {
    this.slots = slots
    this.policies = policies
    this.hooks = hooks
  }

  /** The policies behind this one; undefined: it is none of them. */
  behind(policy: Policy): Chain | undefined {
    const known = this.tails?.get(policy)
    if (known !== undefined) return known
    const place = this.policies.indexOf(policy)
    if (place === -1) return undefined
    const tail = new Chain(this.policies.slice(place + 1), this.slots)
    this.tails ??= new Map()
    this.tails.set(policy, tail)
    return tail
  }
}

export function hooksOf(policies: readonly Policy[]): Hooks {
  const places = (hook: Hook): readonly number[] =>
    policies.flatMap((policy, place) => (policy[hook] === undefined ? [] : [place]))
  return {
    admit: places('admit'),
    requestBody: places('requestBody'),
    usable: places('usable'),
    attempt: places('attempt'),
    attempted: places('attempted'),
    stream: places('stream'),
    unusable: places('unusable'),
    recover: places('recover'),
    respond: places('respond'),
    responseBody: places('responseBody'),
    settle: places('settle'),
  }
}

export const EMPTY_CHAIN: Chain = new Chain([])
