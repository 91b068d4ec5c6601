import type { CellRef } from '../../cells/pages.ts'
import type { ListenerConfig } from '../../core/config.ts'
import { unixHost, unixPath } from '../../lib/address.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { ListenFailed } from '../machine/sockets.ts'
import { type BoundFile, bindBeside, isSameFile, unbind } from '../machine/unix-socket.ts'
import type { Lease } from '../registry/lease.ts'
import type { CellRegistry } from '../registry/registry.ts'
import { Retakes } from './retakes.ts'
import { FIRST_MS, SWAP_MS } from './rollout.ts'
import type { RunningWorker } from './running-worker.ts'
import type { WorkerSlot } from './slot.ts'

/** A listener that was opened, or is to be. */
interface Opening {
  readonly id: string
  readonly config: ListenerConfig
}

/** Who has a listener that one worker alone can have. */
interface Owner {
  readonly slot: WorkerSlot
  readonly thread: RunningWorker
}

interface OpeningsOptions {
  readonly registry: CellRegistry
  readonly clock: Clock
  readonly log: Log
  /** The system lets workers share ports. */
  readonly reusePort: boolean
}

interface OpeningsEvents {
  /** A worker is about to be told what may need new pages. */
  opening(slot: WorkerSlot): void
  /** Workers may lack what could not be opened before. */
  lacking(): void
}

/** It was closed while a worker opened it. */
class ClosedMeanwhile extends Error {
  constructor() {
    super('it was closed while a worker opened it')
  }
}

/**
 * The listeners that every worker has open, and how one opens those that it lacks. A socket with a path can be bound by one
 * worker alone: by the first, and when that ends by the next.
 */
export class Openings {
  private readonly options: OpeningsOptions
  private readonly events: OpeningsEvents
  private readonly retakes: Retakes
  private readonly cells: Lease
  /** Held: open connections, by listener. */
  private readonly held = new Map<string, CellRef>()
  private all: readonly Opening[] = []
  /** IDs of all that are open, and of those that a first worker is opening. */
  private readonly wanted = new Set<string>()
  /** By ID, of sockets with a path. */
  private readonly owners = new Map<string, Owner>()
  private readonly files = new Map<string, BoundFile>()
  private unbinding: Promise<unknown> = Promise.resolve()
  /** Milliseconds after which connections of a closed one are cut, as the latest close says. */
  private cutAfter = 0
  private count = 0

  constructor(options: OpeningsOptions, events: OpeningsEvents) {
    this.options = options
    this.events = events
    this.retakes = new Retakes(options.clock, () => events.lacking())
    this.cells = options.registry.lease()
  }

  /** Opens a new one in a first worker, which decides what port 0 is. Returns the port; rejects with {@link ListenFailed}. */
  async first(slot: WorkerSlot, thread: RunningWorker, listener: ListenerConfig): Promise<number> {
    const id = `${listener.name} ${++this.count}`
    this.wanted.add(id)
    try {
      const port = await this.open(slot, thread, { id, config: listener })
      this.all = [...this.all, { id, config: { ...listener, port } }]
      return port
    } catch (error) {
      this.wanted.delete(id)
      throw error
    }
  }

  /** Closes the oldest of a listener, whose file goes; its connections are cut after `cutAfter` milliseconds. */
  remove(name: string, cutAfter: number, slots: readonly WorkerSlot[]): void {
    const closed = this.all.find(({ config }) => config.name === name)
    if (closed === undefined) return
    const { id } = closed
    this.all = this.all.filter((opening) => opening !== closed)
    this.wanted.delete(id)
    this.cutAfter = cutAfter
    const file = this.files.get(id)
    this.owners.delete(id)
    this.files.delete(id)
    this.retakes.forget(id)
    if (file !== undefined) void unbind(file)
    for (const slot of slots) {
      if (slot.listening.delete(id)) slot.thread?.post({ type: 'close-listener', id, cutAfter })
    }
  }

  /** No worker opens any of them from now on. The files of all go: what comes now is refused at once. */
  unbind(): Promise<unknown> {
    const files = [...this.files.values()]
    this.all = []
    this.retakes.close()
    this.files.clear()
    this.owners.clear()
    this.unbinding = Promise.all([this.unbinding, ...files.map(unbind)])
    return this.unbinding
  }

  /** Opens what a worker lacks, once it has a config. */
  async complete(slot: WorkerSlot, thread: RunningWorker): Promise<void> {
    for (let next = this.missing(slot); next !== undefined; next = this.missing(slot)) {
      try {
        if (unixPath(next.config.host) === undefined) await this.open(slot, thread, next)
        else await this.takeOver(slot, thread, next)
      } catch (error) {
        if (!(error instanceof ClosedMeanwhile)) throw error
      }
    }
  }

  /** Open connections of a worker. */
  connections({ worker }: WorkerSlot): number {
    return this.held.values().reduce((sum, ref) => sum + this.options.registry.heldBy(worker, ref), 0)
  }

  /** It is what a worker has bound last, whether that still answers or not. */
  isBound(file: BoundFile): boolean {
    return this.files.values().some((ours) => isSameFile(ours, file))
  }

  private missing(slot: WorkerSlot): Opening | undefined {
    if (slot.generation === 0) return undefined
    return this.all.find(({ id }) => !slot.listening.has(id) && !this.isOwned(id) && !this.retakes.isWaiting(id))
  }

  private isOwned(id: string): boolean {
    const owner = this.owners.get(id)
    if (owner === undefined) return false
    const { slot, thread } = owner
    return slot.thread === thread && slot.ending === undefined && slot.active
  }

  /**
   * What cannot be bound any more must not end a worker that serves other listeners. It is attempted again, by whichever
   * worker comes first: what stands in its way may go.
   */
  private async takeOver(slot: WorkerSlot, thread: RunningWorker, opening: Opening): Promise<void> {
    const { log } = this.options
    const { config, id } = opening
    const facts = { listener: config.name, worker: slot.worker }
    try {
      await this.open(slot, thread, opening)
      this.retakes.forget(id)
      log.info('a worker takes over a unix: socket', facts)
    } catch (error) {
      if (!(error instanceof ListenFailed)) throw error
      if (!this.all.includes(opening)) throw new ClosedMeanwhile()
      log.error('a unix: socket could not be taken over', { ...facts, in_ms: this.retakes.postpone(id), error })
    }
  }

  /** Rejects with {@link ListenFailed}, {@link ClosedMeanwhile}, or as the worker's answer does; it is not open then. */
  private async open(slot: WorkerSlot, thread: RunningWorker, opening: Opening): Promise<number> {
    const { config, id } = opening
    const path = unixPath(config.host)
    try {
      return await (path === undefined ? this.bind(slot, thread, opening) : this.bindAt(path, slot, thread, opening))
    } catch (error) {
      if (this.owners.get(id)?.thread === thread) this.owners.delete(id)
      // It may be open: without its name, or since the answer comes too late.
      if (slot.thread === thread) {
        slot.listening.delete(id)
        thread.post({ type: 'close-listener', id, cutAfter: error instanceof ClosedMeanwhile ? this.cutAfter : 0 })
      }
      throw error
    }
  }

  private async bindAt(path: string, slot: WorkerSlot, thread: RunningWorker, opening: Opening): Promise<number> {
    const { config, id } = opening
    this.owners.set(id, { slot, thread })
    const key = `listeners.${config.name}.listen`
    const isOurs = (found: BoundFile): boolean => this.isBound(found)
    const file = await bindBeside(path, config.mode, key, isOurs, (beside) =>
      this.bind(slot, thread, { id, config: { ...config, host: unixHost(beside) } }),
    )
    if (this.owners.get(id)?.thread !== thread) {
      await unbind(file)
      throw new ClosedMeanwhile()
    }
    this.files.set(id, file)
    return config.port
  }

  private async bind(slot: WorkerSlot, thread: RunningWorker, { id, config }: Opening): Promise<number> {
    const { name, host, port } = config
    const connections = this.held.getOrInsertComputed(name, () => this.cells.listener(name))
    this.events.opening(slot)
    const { reusePort } = this.options
    const listen = { type: 'listen', id, listener: config, reusePort, connections } as const
    const bound = await thread.ask(listen, slot.listening.size === 0 ? FIRST_MS : SWAP_MS, (message) => {
      if (message.type === 'listen-failed' && message.id === id) {
        throw new ListenFailed(host, port, `listeners.${name}.listen`, message.code)
      }
      return message.type === 'listening' && message.id === id ? message.port : undefined
    })
    // No list of this worker had it when it was closed.
    if (!this.wanted.has(id)) throw new ClosedMeanwhile()
    slot.listening.add(id)
    return bound
  }
}
