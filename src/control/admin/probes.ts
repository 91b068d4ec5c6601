const SILENT_MS = 5_000
const STUCK_MS = 10_000

/** What the probes are computed from. */
export interface ProbeFacts {
  /** A config is live in a worker. */
  readonly configured: boolean
  /** A worker has listened. */
  readonly listening: boolean
  readonly draining: boolean
  /** Milliseconds since any serving worker has beaten; Infinity: none has. */
  readonly silence: number
  /** Milliseconds since the control loop has turned. */
  readonly loopAge: number
  /** Replacing workers failed 5 times in a minute. */
  readonly replacingFails: boolean
  readonly workers: number
  readonly workersServing: number
  /** Upstreams without a single usable endpoint. */
  readonly upstreamsDown: number
  /** The latest attempt to load a config failed: the one before is live. */
  readonly configStale: boolean
}

/** `reasons`: why not; `notes`: facts worth knowing although it is. Stable names, no addresses, no names of upstreams. */
export interface ProbeAnswer {
  readonly ok: boolean
  readonly reasons: readonly string[]
  readonly notes: readonly string[]
}

/** First config live and a worker listening; never waits for upstreams. */
export function startup(facts: ProbeFacts): ProbeAnswer {
  return answer(starting(facts))
}

/**
 * Whether new connections should come here. Overload or broken upstreams are no reason: all instances would leave at once.
 */
export function readiness(facts: ProbeFacts): ProbeAnswer {
  const reasons = starting(facts)
  if (facts.draining) reasons.push('draining')
  if (reasons.length === 0 && facts.silence > SILENT_MS) reasons.push('no_worker_beats')
  const notes: string[] = []
  if (facts.workersServing < facts.workers) notes.push('workers_down')
  if (facts.upstreamsDown > 0) notes.push('upstreams_down')
  if (facts.configStale) notes.push('config_stale')
  return answer(reasons, notes)
}

/** Whether this process can still recover by itself. */
export function liveness(facts: ProbeFacts): ProbeAnswer {
  const reasons: string[] = []
  if (facts.loopAge > STUCK_MS) reasons.push('control_loop_stuck')
  if (facts.replacingFails) reasons.push('replacing_workers_fails')
  return answer(reasons)
}

function starting({ configured, listening }: ProbeFacts): string[] {
  const reasons: string[] = []
  if (!configured) reasons.push('no_config')
  if (!listening) reasons.push('not_listening')
  return reasons
}

function answer(reasons: readonly string[], notes: readonly string[] = []): ProbeAnswer {
  return { ok: reasons.length === 0, reasons, notes }
}
