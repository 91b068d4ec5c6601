import type { Policy } from '../../core/policy.ts'

type Hook =
  | 'admit'
  | 'requestBody'
  | 'handle'
  | 'usable'
  | 'attempt'
  | 'attempted'
  | 'stream'
  | 'tunnel'
  | 'unusable'
  | 'recover'
  | 'page'
  | 'respond'
  | 'responseBody'
  | 'upstreamDone'
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
  /** Place in the list of `admit` hooks of the first one that is asked behind the gate; -1: there is none. */
  readonly gate: number
  /** Feature and place of each policy, see {@link chainPlace}; only forks ask. */
  private readonly places: () => readonly string[]
  /** By place; made when they are asked for. */
  private tails: Map<string, Chain> | undefined = undefined

  /** `hooks`: {@link hooksOf} these policies; chains with equal hooks share one object. */
  constructor(
    policies: readonly Policy[],
    slots: SlotCounts = NO_SLOTS,
    hooks: Hooks = hooksOf(policies),
    places: () => readonly string[] = () => [],
  ) {
    this.slots = slots
    this.policies = policies
    this.hooks = hooks
    this.gate = hooks.admit.findIndex((place) => policies[place]?.behindGate === true)
    this.places = places
  }

  /** The policies behind the one that a feature has at this place; undefined: it has none there. */
  behind(feature: string, place: string): Chain | undefined {
    const key = chainPlace(feature, place)
    const known = this.tails?.get(key)
    if (known !== undefined) return known
    const at = this.places().indexOf(key)
    if (at === -1) return undefined
    const tail = new Chain(this.policies.slice(at + 1), this.slots)
    this.tails ??= new Map()
    this.tails.set(key, tail)
    return tail
  }
}

/** A place of a feature in a chain. */
export function chainPlace(feature: string, place: string): string {
  return `${feature} ${place}`
}

export function hooksOf(policies: readonly Policy[]): Hooks {
  const places = (hook: Hook): readonly number[] =>
    policies.flatMap((policy, place) => (policy[hook] === undefined ? [] : [place]))
  return {
    admit: places('admit'),
    requestBody: places('requestBody'),
    handle: places('handle'),
    usable: places('usable'),
    attempt: places('attempt'),
    attempted: places('attempted'),
    stream: places('stream'),
    tunnel: places('tunnel'),
    unusable: places('unusable'),
    recover: places('recover'),
    page: places('page'),
    respond: places('respond'),
    responseBody: places('responseBody'),
    upstreamDone: places('upstreamDone'),
    settle: places('settle'),
  }
}

export const EMPTY_CHAIN: Chain = new Chain([])
