/** Milliseconds between two beats of a worker, and between two looks of the control plane. */
export const BEAT_MS = 250
const STALLED_MS = 2_000
const HUNG_MS = 10_000
/** A look that comes later than this means that our own loop, or the whole process, stood still. */
const OWN_PAUSE_MS = 1_000

export type Pulse = 'beating' | 'stalled' | 'hung'

/** Milliseconds of age of a beat; both are Int32 milliseconds since process start and may have wrapped. */
export function beatAge(beat: number, now: number): number {
  return (Math.trunc(now) - beat) | 0
}

/**
 * Judges heartbeats. After a pause of the whole process (a stopped container, a sleeping laptop) every beat looks old: ages
 * then count from the end of the pause, so that no worker is ended for it.
 */
export class HeartbeatWatch {
  private looked: number
  private resumed = Number.NEGATIVE_INFINITY

  constructor(now: number) {
    this.looked = now
  }

  /** Clock time of the latest look. */
  get lookedAt(): number {
    return this.looked
  }

  /** Call it every {@link BEAT_MS}, before judging. */
  look(now: number): void {
    if (now - this.looked > OWN_PAUSE_MS) this.resumed = now
    this.looked = now
  }

  /** Milliseconds since `since`, pauses of our own left out. */
  elapsed(since: number, now: number): number {
    return Math.min(now - since, now - this.resumed)
  }

  judge(beat: number, now: number): Pulse {
    const age = Math.min(beatAge(beat, now), now - this.resumed)
    if (age > HUNG_MS) return 'hung'
    return age > STALLED_MS ? 'stalled' : 'beating'
  }
}
