import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Crew } from './crew.ts'
import type { Rollout } from './rollout.ts'
import { WorkerGone } from './running-worker.ts'
import type { WorkerSlot } from './slot.ts'

const LOOK_MS = 25
/** A worker has so long to hand over what it has recorded. */
const LAST_MS = 1_000
/** Exchanges that are cut get so long to break their answers visibly. */
const CUT_MS = 250

/** What workers are replaced with. */
export interface Replacing {
  readonly crew: Crew
  readonly clock: Clock
  readonly log: Log
  /** The system lets workers share ports. */
  readonly reusePort: boolean
  /** The gateway ends: no worker is replaced any more. */
  ended(): boolean
  /** Open ones of a worker. */
  connections(slot: WorkerSlot): number
  /** Makes a worker run a config. False: it does not. Rejects with why it refuses. */
  equip(slot: WorkerSlot, next: Rollout): Promise<boolean>
  /** From now on every worker that starts gets this. */
  live(next: Rollout): void
  /** Opens the listeners. */
  serve(slot: WorkerSlot): Promise<void>
}

/**
 * Other code, and other files to read, need other workers: one after the other gets a successor, which serves before it closes its own listeners.
 * Rejects if the first successor cannot run the config; nothing has changed then.
 */
export async function replaceAll(next: Rollout, replacing: Replacing): Promise<void> {
  const { crew, log, reusePort } = replacing
  for (const [i, old] of crew.slots.filter(({ active }) => active).entries()) {
    if (replacing.ended()) return
    const successor = await successorFor(next, replacing).catch((error: Error) => {
      if (i === 0) throw error
      log.error('a worker got no successor: it is started again', { worker: old.worker, error })
    })
    replacing.live(next)
    crew.gear = { plugins: next.plugins, reads: next.reads }
    crew.dismiss(old)
    // Where the system lets no two workers have a port, none listens for a moment.
    const left = reusePort ? undefined : leave(old, next, replacing)
    if (successor !== undefined) {
      crew.enlist(successor)
      await replacing.serve(successor)
    }
    await (left ?? leave(old, next, replacing))
    if (successor === undefined) crew.enlist(old)
  }
}

/** A worker that runs the config and has no listeners yet. Rejects with what is wrong; it is gone then. */
async function successorFor(next: Rollout, { crew, equip }: Replacing): Promise<WorkerSlot> {
  const slot = await crew.successor(next)
  try {
    if (await equip(slot, next)) return slot
    throw new WorkerGone('it did not begin with the config')
  } catch (error) {
    await slot.thread?.terminate()
    throw error
  }
}

/** A worker ends: it takes no new connections, ends those that it has as their answers end, and is gone then. */
async function leave(slot: WorkerSlot, { cutAfter }: Rollout, { clock, connections, ended }: Replacing): Promise<void> {
  const { thread } = slot
  if (thread === undefined) return
  thread.post({ type: 'drain' })
  thread.post({ type: 'unlisten', ms: cutAfter })
  const due = clock.now() + cutAfter
  const stays = (): boolean => slot.thread === thread && slot.ending === undefined && !ended()
  const empty = (): boolean => slot.idle && connections(slot) === 0
  while (stays() && !empty() && clock.now() < due) await pause(clock, LOOK_MS)
  if (!stays()) return
  if (!empty()) {
    thread.post({ type: 'cut' })
    await pause(clock, CUT_MS)
  }
  // A connection may have brought a request after the worker was idle: what was recorded of that is handed over now.
  await thread
    .ask({ type: 'unlisten', ms: 0 }, LAST_MS, ({ type }) => (type === 'idle' ? true : undefined))
    .catch(() => {})
  await thread.terminate()
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve))
}
