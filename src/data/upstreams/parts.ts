import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { Use } from '../../core/feature.ts'
import type { UpstreamPart } from '../../core/upstream-part.ts'

/** A feature at an upstream, compiled; the next generation uses it again where it would be made of the same. */
export interface PartUse {
  readonly use: Use
  readonly cells: unknown
  readonly part: UpstreamPart
}

type With<K extends keyof UpstreamPart> = UpstreamPart & Required<Pick<UpstreamPart, K>>

/** The features of an upstream, by what they have a say in. */
export class UpstreamParts {
  /** By name of the feature. */
  readonly uses: ReadonlyMap<string, PartUse>
  private readonly admitting: readonly With<'admits'>[]
  private readonly beginning: readonly With<'begun'>[]
  private readonly withdrawing: readonly With<'withdrawn'>[]

  constructor(uses: ReadonlyMap<string, PartUse>) {
    this.uses = uses
    const parts = Array.from(uses.values(), ({ part }) => part)
    this.admitting = parts.filter(has('admits'))
    this.beginning = parts.filter(has('begun'))
    this.withdrawing = parts.filter(has('withdrawn'))
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

export const NO_PARTS: UpstreamParts = new UpstreamParts(new Map())

function has<K extends keyof UpstreamPart>(hook: K) {
  return (part: UpstreamPart): part is With<K> => part[hook] !== undefined
}
