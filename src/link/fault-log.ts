import type { Clock } from '../lib/clock.ts'

const EVERY_MS = 1_000

/** Tells of a mistake in our own code: what threw, and where. */
export type Fault = (error: unknown, facts: { readonly to: string; readonly name: string }) => void

/**
 * Tells at most one fault per second, with the number of those that were left out before: what fails may be asked for each
 * request.
 */
export function faultLog(
  clock: Pick<Clock, 'now'>,
  tell: (error: unknown, facts: { readonly to: string; readonly name: string; readonly more: number }) => void,
): Fault {
  let from = Number.NEGATIVE_INFINITY
  let more = 0
  return (error, facts) => {
    const now = clock.now()
    if (now < from) {
      more++
      return
    }
    tell(error, { ...facts, more })
    from = now + EVERY_MS
    more = 0
  }
}
