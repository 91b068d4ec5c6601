import type { Clock } from '../../../lib/clock.ts'
import { within } from '../../../lib/within.ts'

const DEADLINE_MS = 5_000

/** The answer, if it comes in time; rejects otherwise. The question goes on; its later failure is ignored. */
export function inTime<T>(clock: Clock, answer: Promise<T>): Promise<T> {
  return within(clock, DEADLINE_MS, answer, () => {
    throw new Error(`no answer within ${DEADLINE_MS} ms`)
  })
}
