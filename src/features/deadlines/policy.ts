import type { Exchange } from '../../core/exchange.ts'
import type { FeatureContext } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import type { Refusal } from '../../core/verdict.ts'
import { isNamed } from '../../lib/headers.ts'
import { wholeNumber } from '../../lib/whole-number.ts'

const FIELD = 'sluice-timeout-ms'

/** What a trusted peer allows; of several fields the least. */
export function offered(ex: Exchange): undefined {
  if (!ex.trusted) return
  const { headers } = ex
  for (let i = 0; i < headers.length; i += 2) {
    if (!isNamed(headers[i] as string, FIELD)) continue
    const ms = wholeNumber(headers[i + 1] as string)
    if (ms > 0) ex.offeredMs = Math.min(ex.offeredMs, ms)
  }
}

/** Whether the time left is as long as half of the latest answers took. */
export class Meetable implements Policy {
  readonly name: string
  private readonly context: Pick<FeatureContext, 'clock' | 'services'>

  constructor(context: FeatureContext) {
    this.name = context.feature
    this.context = context
  }

  admit(ex: Exchange): Refusal | undefined {
    const now = this.context.clock.now()
    const typical = this.context.services.typicalMs(ex, now)
    if (Math.min(ex.deadline, ex.startedAt + ex.offeredMs) - now >= typical) return undefined
    return { reason: 'deadline_unmeetable', phase: 'queue', origin: ex.offeredMs < typical ? 'client' : 'sluice' }
  }
}
