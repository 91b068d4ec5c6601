import type { CellRef } from '../../cells/pages.ts'
import type { ListenerConfig } from '../../core/config.ts'
import { ListenFailed } from '../machine/sockets.ts'
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

interface OpeningsOptions {
  readonly registry: CellRegistry
  /** The system lets workers share ports. */
  readonly reusePort: boolean
}

/** The listeners that every worker has open, and how one opens those that it lacks. */
export class Openings {
  private readonly options: OpeningsOptions
  private readonly sendPages: (slot: WorkerSlot) => void
  private readonly cells: Lease
  /** Held: open connections, by listener. */
  private readonly held = new Map<string, CellRef>()
  private all: readonly Opening[] = []
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

  /** Forgets the oldest of a listener; returns its ID. */
  remove(name: string): string | undefined {
    const closed = this.all.find(({ config }) => config.name === name)
    this.all = this.all.filter((opening) => opening !== closed)
    return closed?.id
  }

  /** Opens what a worker lacks, once it has a config. */
  async complete(slot: WorkerSlot, thread: RunningWorker): Promise<void> {
    for (let next = this.missing(slot); next !== undefined; next = this.missing(slot))
      await this.open(slot, thread, next)
  }

  /** Open connections of a worker. */
  connections({ worker }: WorkerSlot): number {
    return this.held.values().reduce((sum, ref) => sum + this.options.registry.heldBy(worker, ref), 0)
  }

  private missing(slot: WorkerSlot): Opening | undefined {
    return slot.generation === 0 ? undefined : this.all.find(({ id }) => !slot.listening.has(id))
  }

  private async open(slot: WorkerSlot, thread: RunningWorker, { id, config }: Opening): Promise<number> {
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
