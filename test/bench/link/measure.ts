import type { WorkerLink } from '../../../src/data/link/worker-link.ts'
import { percentile } from '../median.ts'

/** One measurement: so many questions at a time, each with so many bytes there and back. */
export interface Round {
  readonly inFlight: number
  readonly bytes: number
  readonly ms: number
}

export interface Measured {
  readonly perSecond: number
  /** Microseconds from a question to its answer. */
  readonly p50: number
  readonly p99: number
  /** CPU microseconds of the asking thread per question. */
  readonly cpu: number
  readonly unavailable: number
}

const DEADLINE_MS = 10_000

/** Asks for `ms` milliseconds, without a pause. */
export async function measure(link: WorkerLink, { bytes, inFlight, ms }: Round): Promise<Measured> {
  const value = bytes === 0 ? undefined : new Uint8Array(bytes)
  const times: number[] = []
  let unavailable = 0
  const until = performance.now() + ms
  const one = async (): Promise<void> => {
    while (performance.now() < until) {
      const begun = performance.now()
      const answer = await link.ask('bench', { name: 'echo', value }, DEADLINE_MS).answer
      times.push(performance.now() - begun)
      if (typeof answer === 'object' && answer !== null && 'unavailable' in answer) unavailable++
    }
  }
  const before = process.threadCpuUsage()
  const begun = performance.now()
  await Promise.all(Array.from({ length: inFlight }, one))
  const { system, user } = process.threadCpuUsage(before)
  return {
    perSecond: (1000 * times.length) / (performance.now() - begun),
    p50: 1000 * percentile(times, 0.5),
    p99: 1000 * percentile(times, 0.99),
    cpu: (system + user) / times.length,
    unavailable,
  }
}
