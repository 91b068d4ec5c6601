import { PressureWord } from '../../core/pressure.ts'
import type { GaugeReading } from '../../core/series.ts'
import type { CellRegistry } from '../registry/registry.ts'
import type { WorkerSlot } from './slot.ts'

/** What a worker keeps of bodies, as it said last. */
export function bufferedBytes(
  { pressure, worker }: Pick<WorkerSlot, 'pressure' | 'worker'>,
  registry: Pick<CellRegistry, 'words'>,
): readonly GaugeReading[] {
  const words = registry.words(pressure)
  const value = (word: number): number => Atomics.load(words, pressure.slot + word)
  return [
    { labels: [String(worker), 'request'], value: value(PressureWord.requests) },
    { labels: [String(worker), 'answer'], value: value(PressureWord.answers) },
  ]
}
