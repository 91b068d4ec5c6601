import { object, optional, required } from '../../schema/composites.ts'
import { integer, name, oneOf } from '../../schema/scalars.ts'

/** What can be wrong with a demo endpoint. */
export const FAULTS = ['none', 'down', 'slow', 'failing', 'breaking'] as const

/**
 * none: it serves. down: it listens no longer and has cut its connections. slow: answers come 5 s later. failing:
 * every answer is 503. breaking: answers break off in mid-body.
 */
export type DemoFault = (typeof FAULTS)[number]

export const SLOW_MS = 5000

export function isFault(value: unknown): value is DemoFault {
  return FAULTS.includes(value as DemoFault)
}

/** What operators may ask for; `port` or `upstream`. */
export const FAULT_COMMAND = object({
  port: optional(integer(1, 65_535), 'Of an endpoint.'),
  upstream: optional(name(), 'Name of an upstream: all of its endpoints.'),
  fault: required(oneOf(...FAULTS), 'What is wrong with it from now on.'),
})
