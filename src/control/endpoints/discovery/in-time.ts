import type { Clock } from '../../../lib/clock.ts'
import { within } from '../../../lib/within.ts'

const DEADLINE_MS = 5_000

/** What is answered in time; rejects when it takes too long. What was asked goes on, and may fail unseen then. */
export function inTime<T>(clock: Clock, answer: Promise<T>): Promise<T> {
  return within(clock, DEADLINE_MS, answer, () => {
    throw new Error(`no answer within ${DEADLINE_MS} ms`)
  })
}
