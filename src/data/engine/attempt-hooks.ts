import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { Chain } from './chain.ts'

/** How the hooks around an attempt report. */
export interface AttemptHooksOwner {
  readonly ex: Exchange
  onBug(error: unknown): void
}

/** Tells the policies which let the attempt pass its head verdict. */
export function attempted(owner: AttemptHooksOwner, { hooks, policies }: Chain, at: Attempt): void {
  for (const place of hooks.attempted) {
    if (place >= at.passed) break
    try {
      policies[place]?.attempted?.(owner.ex, at)
    } catch (error) {
      owner.onBug(error)
    }
  }
}

/** Whether a policy rejects an answer with this status as if there were none. */
export function unusable(owner: AttemptHooksOwner, { hooks, policies }: Chain, status: number): boolean {
  try {
    return hooks.unusable.some((place) => policies[place]?.unusable?.(owner.ex, status) === true)
  } catch (error) {
    owner.onBug(error)
    return false
  }
}
