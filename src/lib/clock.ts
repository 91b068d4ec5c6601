/** A pending call of a {@link Clock}; opaque to all but the clock that made it. */
export type ClockHandle = unknown

/**
 * The only source of time. Passed as an argument everywhere, so that tests and drills move time by hand.
 */
export interface Clock {
  /** Milliseconds since the process started; monotonic, fractional, the same origin in every thread. */
  now(): number
  /** Milliseconds since the Unix epoch. For display, never for measuring. */
  wall(): number
  /** Calls `fn` once after `ms` milliseconds. The caller owns the handle and cancels it. */
  after(ms: number, fn: () => void): ClockHandle
  cancel(handle: ClockHandle): void
}

/** The same with timers that keep the process alive: for a wait that nothing else may end. */
export const waitingClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, fn) => setTimeout(fn, ms),
  cancel: (handle) => clearTimeout(handle as NodeJS.Timeout),
}

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, fn) => setTimeout(fn, ms).unref(),
  cancel: (handle) => clearTimeout(handle as NodeJS.Timeout),
}

const LONGEST_MS = 2 ** 31 - 1

/** What `work` returns; the process is kept alive meanwhile, which no timer of {@link systemClock} does. */
export async function keptAlive<T>(work: () => Promise<T>): Promise<T> {
  const handle = setInterval(() => {}, LONGEST_MS)
  try {
    return await work()
  } finally {
    clearInterval(handle)
  }
}
