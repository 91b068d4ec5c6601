/** A peer's `Keep-Alive: timeout` is taken this much shorter, so that we close first. */
export const KEEP_ALIVE_MARGIN_MS = 1_000
