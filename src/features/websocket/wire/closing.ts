import type { Random } from '../../../lib/random.ts'

/** From our Close to the end, milliseconds: half of it for the answer of the client, half for that of the upstream. */
export const CLOSING_MS = 5_000

/**
 * Milliseconds until a WebSocket that is to be gone within `ms` gets its Close: drawn, so that clients do not come back all at once, and
 * early enough for the answers.
 */
export function leavesIn(ms: number, random: Random): number {
  return random.float() * (ms - Math.min(CLOSING_MS, ms / 2))
}
