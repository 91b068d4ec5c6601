/** What is done against overload, in stages; each does what those below it do. */
export const Stage = {
  none: 0,
  /** Unimportant requests are refused. */
  shed: 1,
  /** Connections are closed after their answer. */
  close: 2,
  /** Only critical requests are served, and new connections are refused. */
  refuse: 3,
} as const

export const STAGE_NAMES = ['none', 'shed', 'close', 'refuse'] as const

/** The stage of a worker now; read for each request. */
export interface Pressure {
  readonly stage: number
}

/** Words of a worker's pressure, by their place. */
export const PressureWord = {
  /** Control plane: see {@link Stage}. */
  stage: 0,
  /** Its worker: milliseconds that its latest beat was late. */
  delay: 1,
  /** Its worker: busy share of its event loop since the beat before, in thousandths. */
  utilization: 2,
} as const

export const PRESSURE_WORDS = 3
