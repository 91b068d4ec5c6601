/** What can be wrong with a demo endpoint. */
export const FAULTS = ['none', 'down', 'slow', 'failing', 'breaking'] as const

/**
 * none: it serves. down: it does not listen and has cut its connections. slow: answers come 5 s later. failing: every
 * answer is 503. breaking: answers break off in mid-body.
 */
export type DemoFault = (typeof FAULTS)[number]

export const SLOW_MS = 5000

export function isFault(value: unknown): value is DemoFault {
  return FAULTS.includes(value as DemoFault)
}
