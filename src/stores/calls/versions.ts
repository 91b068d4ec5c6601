import type { Clock } from '../../lib/clock.ts'

/**
 * What the versions of a new store begin with. A store that was lost, and begins again empty, gives none that it gave
 * before: it would have had to give a million per second.
 */
export function firstVersion(clock: Pick<Clock, 'wall'>): number {
  return Math.trunc(clock.wall()) * 1000
}
