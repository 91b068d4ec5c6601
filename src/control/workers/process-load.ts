import type { ProcessLoad, WorkerLoad } from '../../core/pressure.ts'
import type { CellRegistry } from '../registry/registry.ts'
import { BEAT_MS, beatAge } from './heartbeat.ts'
import type { WorkerSlot } from './slot.ts'

/** A worker as far as its load is watched here. */
export type WatchedSlot = Pick<WorkerSlot, 'pressure' | 'heartbeat' | 'startedAt' | 'state' | 'active' | 'thread'>

/** What workers have to bear, besides what the process has in memory and sockets. */
export function processLoad(
  slots: readonly WatchedSlot[],
  registry: Pick<CellRegistry, 'read'>,
  process: Pick<ProcessLoad, 'memory' | 'sockets'>,
): ProcessLoad {
  const workers = slots.map(
    (slot): WorkerLoad => ({
      pressure: slot.pressure,
      get present() {
        return slot.active || slot.thread !== undefined
      },
      get servingSince() {
        return slot.state === 'serving' || slot.state === 'stalled' ? slot.startedAt : undefined
      },
      overdue: (now) => beatAge(registry.read(slot.heartbeat), now) - BEAT_MS,
    }),
  )
  return { workers, ...process }
}
