import type { Exchange } from '../../core/exchange.ts'
import type { FeatureContext } from '../../core/feature.ts'
import { NORMAL } from '../../core/importance.ts'
import type { Policy } from '../../core/policy.ts'
import { type Pressure, Stage } from '../../core/pressure.ts'
import type { Refusal } from '../../core/verdict.ts'

const CRITICAL = 0
/** How soon a refused client may come again, milliseconds. */
const COME_AGAIN_MS = 2_000
const SHED: Refusal = { reason: 'shed', retryAfterMs: COME_AGAIN_MS }
const REFUSED: Refusal = { reason: 'overloaded', retryAfterMs: COME_AGAIN_MS }

/** Refuses requests by their importance while the worker is under pressure. */
export class OverloadPolicy implements Policy {
  readonly name: string
  private readonly pressure: Pressure

  constructor({ feature, pressure }: Pick<FeatureContext, 'feature' | 'pressure'>) {
    this.name = feature
    this.pressure = pressure
  }

  admit(ex: Exchange): Refusal | undefined {
    const { stage } = this.pressure
    if (stage === Stage.none) return undefined
    const { importance } = ex
    if (stage < Stage.refuse) return importance > NORMAL ? SHED : undefined
    return importance > CRITICAL ? REFUSED : undefined
  }
}
