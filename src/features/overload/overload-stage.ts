/** Limits above which a worker is overloaded. Milliseconds and shares from 0 to 1. */
export interface OverloadLimits {
  /** How late a worker's event loop is; counts only while it is as busy as `utilization`. */
  readonly delay: number
  readonly utilization: number
  /** Resident memory of the process, as a share of its limit. */
  readonly memory: number
  /** Open connections, as a share of the files that the process may open. */
  readonly sockets: number
}

/** Measurements of one worker and of the process. */
export interface OverloadReading {
  readonly delay: number
  readonly utilization: number
  readonly memory: number
  readonly sockets: number
}

const TOP = 3
/** A stage is entered when this many looks in a row ask for it: one late beat is not an overload. */
const LOOKS_UP = 2
/** It is left, one stage at a time, when nothing has asked for it for this time, milliseconds. */
const CALM_MS = 2_000
/** It asks for a stage again until it is below this share of its limit: otherwise stages would flap. */
const RELIEF = 0.9

/**
 * The stage of one worker, with hysteresis: up at once by as many stages as asked for, down one by one. The limits are
 * those of the first stage. For each further stage, delays must be three times as long; of the remainder that a share
 * leaves, half and four fifths are the limits of the second and third.
 */
export class OverloadStage {
  stage = 0
  private asked = 0
  private looks = 0
  private calmSince = 0

  /** Takes a reading; returns the stage. */
  look(reading: OverloadReading, limits: OverloadLimits, now: number): number {
    const wanted = wantedStage(reading, limits, 1)
    if (wanted > this.stage) {
      this.looks = this.asked > this.stage ? this.looks + 1 : 1
      this.asked = wanted
      if (this.looks >= LOOKS_UP) this.enter(wanted, now)
      return this.stage
    }
    this.asked = 0
    this.looks = 0
    if (this.stage === 0) return 0
    if (wantedStage(reading, limits, RELIEF) >= this.stage) this.calmSince = now
    else if (now - this.calmSince >= CALM_MS) this.enter(this.stage - 1, now)
    return this.stage
  }

  private enter(stage: number, now: number): void {
    this.stage = stage
    this.calmSince = now
    this.looks = 0
  }
}

function wantedStage(reading: OverloadReading, limits: OverloadLimits, factor: number): number {
  const busy = reading.utilization >= limits.utilization * factor
  return Math.max(
    busy ? delayStage(reading.delay, limits.delay * factor) : 0,
    shareStage(reading.memory, limits.memory * factor),
    shareStage(reading.sockets, limits.sockets * factor),
  )
}

function delayStage(delay: number, limit: number): number {
  for (let stage = TOP; stage > 0; stage--) if (delay >= limit * 3 ** (stage - 1)) return stage
  return 0
}

function shareStage(share: number, limit: number): number {
  const rest = 1 - limit
  if (share >= limit + 0.8 * rest) return 3
  if (share >= limit + 0.5 * rest) return 2
  return share >= limit ? 1 : 0
}
