import type { CellRef } from '../cells/pages.ts'

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

/** Names of the stages, by their number. */
export const STAGE_NAMES = ['none', 'shed', 'close', 'refuse'] as const

/** The stage of a worker now; read for each request and connection. */
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
  /** Control plane: the stage that it would have, enforced or not. */
  judged: 3,
  /** Its worker: bytes of bodies of requests that it keeps, as of the latest beat. */
  requests: 4,
  /** The same of answers. */
  answers: 5,
} as const

/** Number of words in {@link PressureWord}. */
export const PRESSURE_WORDS = 6

/** What the control plane sees of the thread that serves under a worker number. */
export interface WorkerLoad {
  /** False: the number is free for the successor of another. */
  readonly present: boolean
  /** Words, see {@link PressureWord}. */
  readonly pressure: CellRef
  /** When the thread was started that serves now, clock milliseconds; undefined: none does. */
  readonly servingSince: number | undefined
  /** Milliseconds by which its next beat is late; below 0: it is not due. */
  overdue(now: number): number
}

/** What the process has to bear now. */
export interface ProcessLoad {
  /** By their numbers. */
  readonly workers: readonly WorkerLoad[]
  /** Resident memory, as a share of what the process may have: 0 to 1. */
  memory(): number
  /** Open connections, as a share of the files that the process may open: 0 to 1. */
  sockets(): number
}
