import type { CellRef } from '../../cells/pages.ts'
import type { ListenerConfig } from '../../core/config.ts'
import { unixHost, unixPath } from '../../lib/address.ts'
import type { Log } from '../../lib/log.ts'
import { ListenFailed } from '../machine/sockets.ts'
import { type BoundFile, bindBeside, unbind } from '../machine/unix-socket.ts'
import type { Lease } from '../registry/lease.ts'
import type { CellRegistry } from '../registry/registry.ts'
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
  readonly log: Log
  /** The system lets workers share ports. */
  readonly reusePort: boolean
}

/**
 * The listeners that every worker has open, and how one opens those that it lacks. A socket with a path can be bound by one
 * worker alone: by the first, and when that ends by the next.
 */
export class Openings {
  private readonly options: OpeningsOptions
  private readonly sendPages: (slot: WorkerSlot) => void
  private readonly cells: Lease
  /** Held: open connections, by listener. */
  private readonly held = new Map<string, CellRef>()
  private all: readonly Opening[] = []
  /** By ID, of sockets with a path. */
  private readonly owners = new Map<string, Owner>()
  private readonly files = new Map<string, BoundFile>()
  private unbinding: Promise<unknown> = Promise.resolve()
  private count = 0

  constructor(options: OpeningsOptions, sendPages: (slot: WorkerSlot) => void) {
    this.options = options
    this.sendPages = sendPages
    this.cells = options.registry.lease()
  }

  /** Opens a new one in a first worker, which decides what port 0 is. Returns the port; rejects with {@link ListenFailed}. */
  async first(slot: WorkerSlot, thread: RunningWorker, listener: ListenerConfig): Promise<number> {
    const id = `${listener.name} ${++this.count}`
    const port = await this.open(slot, thread, { id, config: listener })
    this.all = [...this.all, { id, config: { ...listener, port } }]
    return port
  }

  /** Forgets the oldest of a listener, whose file goes; returns its ID. */
  remove(name: string): string | undefined {
    const closed = this.all.find(({ config }) => config.name === name)
    if (closed === undefined) return undefined
    this.all = this.all.filter((opening) => opening !== closed)
    const file = this.files.get(closed.id)
    this.owners.delete(closed.id)
    this.files.delete(closed.id)
    if (file !== undefined) void unbind(file)
    return closed.id
  }

  /** The files of all go: what comes now is refused at once. */
  unbind(): Promise<unknown> {
    const files = [...this.files.values()]
    this.files.clear()
    this.owners.clear()
    this.unbinding = Promise.all([this.unbinding, ...files.map(unbind)])
    return this.unbinding
  }

  /** Opens what a worker lacks, once it has a config. */
  async complete(slot: WorkerSlot, thread: RunningWorker): Promise<void> {
    for (let next = this.missing(slot); next !== undefined; next = this.missing(slot)) {
      if (unixPath(next.config.host) === undefined) await this.open(slot, thread, next)
      else await this.takeOver(slot, thread, next)
    }
  }

  /** Open connections of a worker. */
  connections({ worker }: WorkerSlot): number {
    return this.held.values().reduce((sum, ref) => sum + this.options.registry.heldBy(worker, ref), 0)
  }

  private missing(slot: WorkerSlot): Opening | undefined {
    if (slot.generation === 0) return undefined
    return this.all.find(({ id }) => !slot.listening.has(id) && !this.isOwned(id))
  }

  private isOwned(id: string): boolean {
    const owner = this.owners.get(id)
    if (owner === undefined) return false
    const { slot, thread } = owner
    return slot.thread === thread && slot.ending === undefined && slot.active
  }

  /** What cannot be bound any more must not end a worker that serves other listeners. */
  private async takeOver(slot: WorkerSlot, thread: RunningWorker, opening: Opening): Promise<void> {
    const { log } = this.options
    const facts = { listener: opening.config.name, worker: slot.worker }
    try {
      await this.open(slot, thread, opening)
      log.info('a worker takes over a unix: socket', facts)
    } catch (error) {
      if (!(error instanceof ListenFailed)) throw error
      log.error('a unix: socket could not be taken over', { ...facts, error })
    }
  }

  private async open(slot: WorkerSlot, thread: RunningWorker, opening: Opening): Promise<number> {
    const { config, id } = opening
    const path = unixPath(config.host)
    if (path === undefined) return this.bind(slot, thread, opening)
    this.owners.set(id, { slot, thread })
    const key = `listeners.${config.name}.listen`
    const file = await bindBeside(path, config.mode, key, (beside) =>
      this.bind(slot, thread, { id, config: { ...config, host: unixHost(beside) } }),
    )
    // It was closed meanwhile.
    if (this.owners.has(id)) this.files.set(id, file)
    else await unbind(file)
    return config.port
  }

  private async bind(slot: WorkerSlot, thread: RunningWorker, { id, config }: Opening): Promise<number> {
    const { name, host, port } = config
    const connections = this.held.getOrInsertComputed(name, () => this.cells.listener(name))
    this.sendPages(slot)
    const { reusePort } = this.options
    const listen = { type: 'listen', id, listener: config, reusePort, connections } as const
    const bound = await thread.ask(listen, slot.listening.size === 0 ? FIRST_MS : SWAP_MS, (message) => {
      if (message.type === 'listen-failed' && message.id === id) {
        throw new ListenFailed(host, port, `listeners.${name}.listen`, message.code)
      }
      return message.type === 'listening' && message.id === id ? message.port : undefined
    })
    slot.listening.add(id)
    return bound
  }
}
