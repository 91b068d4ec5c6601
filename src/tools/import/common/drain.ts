import type { Draft, Plain } from './draft.ts'
import { inUnits, millisecondsOf } from './times.ts'

const BUILT_IN = 20_000

/**
 * Gives requests in flight as long to finish at the end of the gateway as they may take, if that is more than the default.
 * `most`: milliseconds; `why`: the reason not to wait longer than that.
 */
export function addDrain(draft: Draft, most: number, why: string): void {
  const { route } = (draft.top.defaults ?? {}) as { readonly route?: Plain }
  const written = [route, ...[...draft.profiles.values(), ...draft.routes.values()].map(({ value }) => value)]
  const longest = Math.max(0, ...written.map(requestTime))
  if (longest <= BUILT_IN) return
  draft.top.drain = { timeout: inUnits(Math.min(longest, most)) }
  if (longest > most) draft.notes.set('drain', `sluice-ignore drain-too-short: ${why}`)
}

function requestTime(value: Plain): number {
  const { timeouts } = (value ?? {}) as { readonly timeouts?: { readonly request?: string } }
  return millisecondsOf(timeouts?.request) ?? 0
}
