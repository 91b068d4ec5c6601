import type { Attempt } from '../../core/attempt.ts'
import type { BalancerCandidate, CreateBalancer } from '../../core/balancer.ts'
import type { HashSource } from '../../core/config.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { Use } from '../../core/feature.ts'
import type { AttemptPermits, EndpointPart, EndpointView, UpstreamPart } from '../../core/upstream-part.ts'

/** A feature at an upstream, compiled; the next generation uses it again where it would be made of the same. */
export interface PartUse {
  readonly use: Use
  readonly cells: unknown
  /** Its endpoints have cells of their own. */
  readonly atEndpoints: boolean
  readonly part: UpstreamPart
  /** See `UpstreamForm.ignoresHealth`. */
  readonly ignoresHealth?: (healthy: number, all: number) => boolean
}

type With<K extends keyof UpstreamPart> = UpstreamPart & Required<Pick<UpstreamPart, K>>
type EndpointWith<K extends keyof EndpointPart> = EndpointPart & Required<Pick<EndpointPart, K>>

/** An endpoint, and cells of its own by name of the feature. */
export interface Equipped<E extends EndpointView> {
  readonly endpoint: E
  readonly cells: Readonly<Record<string, unknown>>
}

/** The features of an upstream, by what they have a say in. */
export class UpstreamParts {
  /** By name of the feature. */
  readonly uses: ReadonlyMap<string, PartUse>
  /** In place of those of the upstream; undefined: the upstream's own. */
  readonly hashOn: readonly HashSource[] | undefined
  /** undefined: health always counts. */
  readonly ignoresHealth: PartUse['ignoresHealth']
  /** undefined: nothing bounds the attempts in flight. */
  readonly permits: AttemptPermits | undefined
  /** Outermost first. */
  private readonly inFront: readonly With<'balancing'>[]
  private readonly tying: readonly With<'ties'>[]
  private readonly admitting: readonly With<'admits'>[]
  private readonly beginning: readonly With<'begun'>[]
  private readonly withdrawing: readonly With<'withdrawn'>[]

  constructor(uses: ReadonlyMap<string, PartUse>) {
    this.uses = uses
    const parts = Array.from(uses.values(), ({ part }) => part)
    this.ignoresHealth = Array.from(uses.values()).find((use) => use.ignoresHealth !== undefined)?.ignoresHealth
    this.hashOn = parts.find((part) => part.hashOn !== undefined)?.hashOn
    this.permits = parts.find((part) => part.permits !== undefined)?.permits
    this.inFront = parts.filter(has('balancing')).toSorted((a, b) => stageOf(a) - stageOf(b))
    this.tying = parts.filter(has('ties'))
    this.admitting = parts.filter(has('admits'))
    this.beginning = parts.filter(has('begun'))
    this.withdrawing = parts.filter(has('withdrawn'))
  }

  /** The balancer with what stands in front of it. */
  balanced<C extends BalancerCandidate>(create: CreateBalancer<C>): CreateBalancer<C> {
    return this.inFront.reduceRight((inner, part) => part.balancing(inner), create)
  }

  /** Balancers that were made with the others may be used on. */
  balanceAs({ hashOn, inFront }: UpstreamParts): boolean {
    return (
      hashOn === this.hashOn &&
      inFront.length === this.inFront.length &&
      inFront.every((part, i) => part === this.inFront[i])
    )
  }

  /** What its features have at each of the endpoints, which are all. */
  equip<E extends EndpointView>(all: readonly Equipped<E>[]): ReadonlyMap<E, EndpointParts> {
    const found = new Map<E, EndpointPart[]>(all.map(({ endpoint }) => [endpoint, []]))
    for (const [name, { atEndpoints, part }] of this.uses) {
      if (part.endpoints === undefined) continue
      // Addresses that came while a config was on its way have cells for the features of the one before.
      const able = atEndpoints ? all.filter(({ cells }) => cells[name] !== undefined) : all
      const parts = part.endpoints(able.map(({ cells, endpoint }) => ({ endpoint, cells: cells[name] })))
      for (const [i, { endpoint }] of able.entries()) found.get(endpoint)?.push(parts[i] as EndpointPart)
    }
    return new Map(Array.from(found, ([endpoint, parts]) => [endpoint, new EndpointParts(parts)]))
  }

  /** The endpoint that the request is tied to. */
  tied(ex: Exchange): EndpointView | undefined {
    for (const part of this.tying) {
      const endpoint = part.ties(ex)
      if (endpoint !== undefined) return endpoint
    }
    return undefined
  }

  /** Whether every feature admits the attempt; exactly one of `begun` and `withdrawn` follows if so. */
  admits(ex: Exchange, at: Attempt): boolean {
    const { admitting } = this
    for (let i = 0; i < admitting.length; i++) {
      if ((admitting[i] as With<'admits'>).admits(ex, at)) continue
      for (let before = 0; before < i; before++) admitting[before]?.withdrawn?.(at, false)
      return false
    }
    return true
  }

  begun(at: Attempt): void {
    for (const part of this.beginning) part.begun(at)
  }

  withdrawn(at: Attempt, begun: boolean): void {
    for (const part of this.withdrawing) part.withdrawn(at, begun)
  }
}

/** What features have at one endpoint. */
export class EndpointParts {
  private readonly ejecting: readonly EndpointWith<'staysOut'>[]
  private readonly learning: readonly EndpointWith<'learn'>[]
  private readonly answering: readonly EndpointWith<'answers'>[]

  constructor(parts: readonly EndpointPart[]) {
    this.ejecting = parts.filter(hasAt('staysOut'))
    this.learning = parts.filter(hasAt('learn'))
    this.answering = parts.filter(hasAt('answers'))
  }

  staysOut(): boolean {
    for (const part of this.ejecting) if (part.staysOut()) return true
    return false
  }

  learn(failed: boolean, server: boolean, now: number): void {
    for (const part of this.learning) part.learn(failed, server, now)
  }

  answers(ex: Exchange, status: number, headers: string[]): void {
    for (const part of this.answering) part.answers(ex, status, headers)
  }
}

export const NO_PARTS: EndpointParts = new EndpointParts([])

function stageOf({ balance }: UpstreamPart): number {
  return balance?.stage ?? 0
}

function has<K extends keyof UpstreamPart>(hook: K) {
  return (part: UpstreamPart): part is With<K> => part[hook] !== undefined
}

function hasAt<K extends keyof EndpointPart>(hook: K) {
  return (part: EndpointPart): part is EndpointWith<K> => part[hook] !== undefined
}
