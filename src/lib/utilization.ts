import { performance } from 'node:perf_hooks'

/** Busy share of this thread's event loop since the previous call, 0 to 1. */
export function loopUtilization(): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}
