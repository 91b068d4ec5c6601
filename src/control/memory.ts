import type { ResourceLimits } from 'node:worker_threads'

const MIB = 1_048_576
/** The rest is for buffers, sockets and code, which no heap limit counts. */
const HEAP_SHARE = 0.6
const SMALLEST_MIB = 64

/**
 * Heap limits of one worker, so that one that leaks ends alone and not the process. `limitBytes`: memory limit of the
 * cgroup (0, or more than the machine has: none). The control plane counts as one more heap.
 */
export function workerLimits(limitBytes: number, machineBytes: number, workers: number): ResourceLimits {
  if (limitBytes <= 0 || limitBytes > machineBytes) return {}
  const share = Math.floor((limitBytes * HEAP_SHARE) / (workers + 1) / MIB)
  return { maxOldGenerationSizeMb: Math.max(SMALLEST_MIB, share) }
}
