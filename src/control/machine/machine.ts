import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import type { ResourceLimits } from 'node:worker_threads'

const MIB = 1_048_576
/** Each worker needs this much, heap, buffers and sockets together. */
const WORKER_MIB = 256
const MOST_WORKERS = 16
/** The rest is for buffers, sockets and code, which no heap limit counts. */
const HEAP_SHARE = 0.6
const SMALLEST_HEAP_MIB = 64
/**
 * V8 splits this in three. Its own default is larger: with answers of some 10 KiB that costs a worker a tenth more CPU per
 * request, and saves nothing with small ones, since dead buffers are found later.
 */
const YOUNG_MIB = 48

const LIMITS = '/proc/self/limits'

/** The machine that this process runs on. */
export function thisMachine(): Machine {
  return {
    cores: availableParallelism(),
    memory: totalmem(),
    memoryLimit: process.constrainedMemory(),
    files: openFiles(),
  }
}

/** Infinity: no limit, or a system that does not tell. */
function openFiles(): number {
  const limit = existsSync(LIMITS) ? /^Max open files +(\d+)/m.exec(readFileSync(LIMITS, 'utf8'))?.[1] : undefined
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit)
}

/** The resources to divide among workers. */
export interface Machine {
  readonly cores: number
  /** Bytes of memory that the machine has. */
  readonly memory: number
  /** Bytes that our cgroup may use; 0, or more than the machine has: no limit. */
  readonly memoryLimit: number
  /** Files that the process may open. */
  readonly files: number
}

export interface WorkerCount {
  readonly count: number
  /** What decided it, for operators. */
  readonly bound: string
}

/** How many workers to start. Without shared ports only one of them could listen. */
export function workerCount(configured: number | 'auto', machine: Machine, reusePort: boolean): WorkerCount {
  if (!reusePort) return { count: 1, bound: 'this system does not let workers share a port' }
  if (configured !== 'auto') return { count: configured, bound: 'configured' }
  const byMemory = isLimited(machine) ? Math.max(1, Math.floor(machine.memoryLimit / MIB / WORKER_MIB)) : MOST_WORKERS
  const count = Math.min(machine.cores, byMemory, MOST_WORKERS)
  if (count === machine.cores) return { count, bound: 'cores' }
  return { count, bound: count === byMemory && isLimited(machine) ? 'memory limit' : `at most ${MOST_WORKERS}` }
}

/** Heap limits of one worker, so that one that leaks ends alone. The control plane counts as one more heap. */
export function workerLimits(machine: Machine, workers: number): ResourceLimits {
  if (!isLimited(machine)) return { maxYoungGenerationSizeMb: YOUNG_MIB }
  const share = Math.floor((machine.memoryLimit * HEAP_SHARE) / (workers + 1) / MIB)
  return { maxYoungGenerationSizeMb: YOUNG_MIB, maxOldGenerationSizeMb: Math.max(SMALLEST_HEAP_MIB, share) }
}

function isLimited({ memory, memoryLimit }: Machine): boolean {
  return memoryLimit > 0 && memoryLimit <= memory
}

/** Resident memory of this process, of its limit or else of the machine's: 0 to 1. */
export function memoryShare(machine: Machine): number {
  return process.memoryUsage.rss() / mostMemory(machine)
}

/** Bytes that this process may still take. */
export function memoryLeft(machine: Machine): number {
  return mostMemory(machine) - process.memoryUsage.rss()
}

function mostMemory(machine: Machine): number {
  return isLimited(machine) ? machine.memoryLimit : machine.memory
}
