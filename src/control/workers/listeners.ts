import type { ListenerConfig } from '../../core/config.ts'
import type { Gauges } from '../../core/series.ts'
import { unixPath } from '../../lib/address.ts'
import type { Log } from '../../lib/log.ts'
import type { BoundListener, Part } from '../contract.ts'
import { checkAddress, checkShared } from '../machine/sockets.ts'
import { checkPath } from '../machine/unix-socket.ts'
import type { Lease } from '../registry/lease.ts'
import type { CellRegistry } from '../registry/registry.ts'
import type { Supervisor } from './supervisor.ts'

export interface ListenersOptions {
  readonly supervisor: Pick<Supervisor, 'listen' | 'close' | 'openings'>
  /** The system lets several sockets share a port: a listener can be opened again before it is closed. */
  readonly reusePort: boolean
  /** Addresses of servers of the control plane, which do not share their ports. */
  readonly own: () => readonly { readonly port: number }[]
  readonly registry: CellRegistry
  readonly log: Log
}

/** The listeners that are open. */
export class Listeners implements Part {
  readonly gauges: Gauges = {
    sluice_connections: () => Array.from(this.connections(), ([name, value]) => ({ labels: [name], value })),
  }
  private readonly options: ListenersOptions
  private readonly cells: Lease
  private open: readonly ListenerConfig[] = []
  private readonly ports = new Map<string, number>()
  /** All that were ever open: the sockets of one that is closed may stay for a while. */
  private readonly had = new Set<number>()
  private begun = false
  /** One change at a time. */
  private tail: Promise<void> = Promise.resolve()

  constructor(options: ListenersOptions) {
    this.options = options
    this.cells = options.registry.lease()
  }

  get bound(): readonly BoundListener[] {
    return this.open.map(({ host, name }) => ({ name, host, port: this.ports.get(name) ?? 0 }))
  }

  /** Open client connections of each. */
  *connections(): Generator<readonly [listener: string, connections: number]> {
    for (const { name } of this.open) yield [name, this.options.registry.sum(this.cells.listener(name))]
  }

  /** Opens the first ones. Rejects with `ListenFailed` if one cannot be opened; none is open then. */
  async begin(first: readonly ListenerConfig[]): Promise<void> {
    this.begun = true
    try {
      await this.check(first)
      await this.change(first, 0)
    } catch (error) {
      this.begun = false
      throw error
    }
  }

  /**
   * Rejects with `ListenFailed` if an address that these need is not available. Addresses of our own listeners are; before
   * {@link begin} none is needed.
   */
  async check(next: readonly ListenerConfig[]): Promise<void> {
    if (!this.begun) return
    for (const listener of next) {
      const { name, host, port } = listener
      const [key, ours] = [`listeners.${name}.listen`, this.open.filter((other) => other.port === port)]
      const path = unixPath(host)
      if (path !== undefined) {
        // One that stays binds nothing.
        if (this.open.some((other) => this.same(listener, other))) continue
        await checkPath(path, key, (file) => this.options.supervisor.openings.isBound(file))
        continue
      }
      if (port !== 0 && ours.some((other) => other.host === host)) continue
      // Else another gateway of this process may have it, and would share it unasked.
      const mayShare = this.options.reusePort && this.had.has(port)
      if (!mayShare || this.options.own().some((other) => other.port === port)) await checkAddress(host, port, key)
      else await checkShared(host, port, key, ours.length > 0)
    }
  }

  /**
   * Opens new listeners and closes removed ones; the others are not touched. Connections of a closed one end politely, and
   * after `cutAfter` milliseconds in any case. Rejects if none was open and one cannot be opened; later that is an error in
   * the log, since the config is live by then.
   */
  change(next: readonly ListenerConfig[], cutAfter: number): Promise<void> {
    const turn = this.tail.then(() => (this.begun ? this.changeNow(next, cutAfter) : undefined))
    this.tail = turn.catch(() => {})
    return turn
  }

  private async changeNow(next: readonly ListenerConfig[], cutAfter: number): Promise<void> {
    const { log, supervisor } = this.options
    const first = this.open.length === 0
    const gone = this.open.filter((listener) => !next.some((other) => this.same(listener, other)))
    const stay = next.filter((listener) => this.open.some((other) => this.same(listener, other)))
    const opened: ListenerConfig[] = []
    for (const listener of next) {
      if (stay.includes(listener)) continue
      try {
        const port = await supervisor.listen(listener)
        this.ports.set(listener.name, port)
        this.had.add(port)
        opened.push(listener)
      } catch (error) {
        if (first) {
          for (const { name } of opened) supervisor.close(name, cutAfter)
          throw error
        }
        log.error('a listener could not be opened', { listener: listener.name, error })
      }
    }
    for (const { name } of gone) supervisor.close(name, cutAfter)
    this.open = [...stay, ...opened]
  }

  private same(a: ListenerConfig, b: ListenerConfig): boolean {
    if (this.options.reusePort) return JSON.stringify(a) === JSON.stringify(b)
    return a.name === b.name && a.host === b.host && a.port === b.port
  }
}
