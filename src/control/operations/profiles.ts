import { Readable } from 'node:stream'
import { CommandRefused, NotFound, readCommand } from '../../core/command.ts'
import type { Operation } from '../../core/operation.ts'
import type { Clock } from '../../lib/clock.ts'
import { object, withDefault } from '../../schema/composites.ts'
import { integer, oneOf } from '../../schema/scalars.ts'
import { type Inspected, type RunningWorker, WorkerGone, WorkerSilent } from '../workers/running-worker.ts'
import type { WorkerSlot } from '../workers/slot.ts'

/** A worker begins and ends a profile between two pieces of its work. */
const REACT_MS = 10_000
/** Of one per millisecond. */
const MOST_SAMPLES = 100_000
/** A worker stands still for up to 0.3 s per MiB of its heap. */
const MOST_HEAP = 64 * 1_048_576
/** Bytes that a snapshot takes in memory, per byte of the heap: 11 to 14 were seen. */
const SNAPSHOT_FACTOR = 16
/** Less than what a gateway may be without any worker. */
const SNAPSHOT_MS = 25_000
/** It beats again. */
const AWAKE_MS = 2_000
/** A reader has so long to take a snapshot, which is held in memory until then. */
const TAKE_MS = 120_000

const LEFT = 'its caller has left'

const PROFILE_COMMAND = object({
  worker: withDefault(integer(0, 16), 0, 'Number of the worker.'),
  kind: withDefault(oneOf('cpu', 'heap'), 'cpu', 'cpu: where it spends its time; heap: what its memory holds.'),
  seconds: withDefault(integer(1, 60), 10, 'With cpu: how long.'),
})

export interface ProfilesOptions {
  /** Bytes of memory that the process may still take. */
  readonly room: () => number
  readonly clock: Clock
}

/** Looks into workers from outside, one at a time: they may not themselves. */
export class Profiles {
  private readonly slots: readonly WorkerSlot[]
  private readonly options: ProfilesOptions
  private taking = false

  constructor(slots: readonly WorkerSlot[], options: ProfilesOptions) {
    this.slots = slots
    this.options = options
  }

  /** The operator's command: JSON. `left`: as of `CallOptions`. Rejects with `BadCommand`, `NotFound` or `CommandRefused`. */
  async take(body: unknown, left: AbortSignal): Promise<Readable> {
    const { kind, seconds, worker } = readCommand(PROFILE_COMMAND, body)
    const slot = this.slots[worker]
    const { thread } = slot ?? {}
    if (slot === undefined || thread === undefined) throw new NotFound(`there is no worker ${worker}`)
    const { inspected } = thread
    if (inspected === undefined) throw unavailable('it runs in the thread of its program: look into that')
    if (this.taking) throw unavailable('another profile is being taken')
    if (left.aborted) throw unavailable(LEFT)
    this.taking = true
    try {
      const taken =
        kind === 'cpu'
          ? Readable.from([await cpuProfile(thread, inspected, seconds * 1_000, left)])
          : await this.heapSnapshot(slot, thread, inspected)
      if (left.aborted) {
        taken.destroy()
        throw unavailable(LEFT)
      }
      this.hold(taken, left)
      return taken
    } catch (error) {
      this.taking = false
      if (error instanceof WorkerGone || error instanceof WorkerSilent || isNotRunning(error))
        throw unavailable(error instanceof WorkerSilent ? 'the worker does not react' : 'the worker ended meanwhile')
      throw error
    }
  }

  /** Until it is read or not wanted any more: then the next may be taken. */
  private hold(taken: Readable, left: AbortSignal): void {
    const drop = (): unknown => taken.destroy()
    const late = this.options.clock.after(TAKE_MS, () => taken.destroy(new Error('it was not taken in time')))
    // It may end before anything else listens: while the audit log is written.
    taken.on('error', () => {})
    taken.once('close', () => {
      this.options.clock.cancel(late)
      left.removeEventListener('abort', drop)
      this.taking = false
    })
    left.addEventListener('abort', drop)
  }

  private async heapSnapshot(slot: WorkerSlot, thread: RunningWorker, inspected: Inspected): Promise<Readable> {
    const { clock, room } = this.options
    const { used_heap_size: used } = await thread.outlives(REACT_MS, inspected.getHeapStatistics())
    if (used > MOST_HEAP)
      throw unavailable(
        `its heap has ${mib(used)} MiB; a worker with more than ${mib(MOST_HEAP)} MiB would stand still too long`,
      )
    if (used * SNAPSHOT_FACTOR > room())
      throw unavailable(`that takes up to ${mib(used * SNAPSHOT_FACTOR)} MiB of memory; there are ${mib(room())} MiB`)
    slot.sparedUntil = clock.now() + SNAPSHOT_MS
    const snapshot = inspected.getHeapSnapshot()
    try {
      return await thread.outlives(SNAPSHOT_MS, snapshot)
    } catch (error) {
      void snapshot.then(
        (late) => late.destroy(),
        () => {},
      )
      throw error
    } finally {
      if (slot.thread === thread) slot.sparedUntil = clock.now() + AWAKE_MS
    }
  }
}

/** It ends early where `left` does: the worker serves slower meanwhile, and others wait for their turn. */
async function cpuProfile(thread: RunningWorker, inspected: Inspected, ms: number, left: AbortSignal): Promise<string> {
  const begun = inspected.startCpuProfile({ maxBufferSize: MOST_SAMPLES })
  const profile = await thread.outlives(REACT_MS, begun).catch((error) => {
    // One that begins after all would never end.
    begun.then((late) => late.stop()).catch(() => {})
    throw error
  })
  // Nothing else comes of it before the time is over, unless the worker ends.
  await thread.outlives(ms, aborted(left)).catch((error) => {
    if (!(error instanceof WorkerSilent)) throw error
  })
  return thread.outlives(REACT_MS, profile.stop())
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function isNotRunning(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_WORKER_NOT_RUNNING'
}

function unavailable(why: string): CommandRefused {
  return new CommandRefused('unavailable', why)
}

function mib(bytes: number): number {
  return Math.ceil(bytes / 1_048_576)
}

export function profileOperations(profiles: Profiles): readonly Operation[] {
  return [
    {
      kind: 'command',
      path: 'profile',
      needs: 'admin',
      takes: { body: PROFILE_COMMAND },
      says: {
        id: 'takeProfile',
        tag: 'Gateway',
        summary: 'Takes a CPU profile or a heap snapshot of a worker',
        description:
          'One at a time. A heap snapshot holds all that the worker has in memory: requests, keys, secrets. The worker stands still while it is taken.',
        answer: { description: 'A .cpuprofile or a .heapsnapshot of V8.', schema: { type: 'object' } },
        refusals: {
          missing: { description: 'There is no such worker.' },
          unavailable: {
            description: 'Another one is being taken, the worker ended meanwhile, or its heap is too large.',
          },
        },
      },
      run: (body, { left }) => profiles.take(body, left),
    },
  ]
}
