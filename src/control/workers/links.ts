import { type Answer, type Commanded, isUnavailable, WORKER_BOUNDS } from '../../core/link.ts'
import type { FromWorker } from '../../core/protocol.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { TimerWheel } from '../../lib/timers.ts'
import { faultLog } from '../../link/fault-log.ts'
import { LinkPeer } from '../../link/peer.ts'
import type { Part } from '../contract.ts'
import type { Conversation } from './conversation.ts'

const COMMAND_MS = 5_000

export interface LinksOptions {
  /** What the control half of a feature answers to workers; undefined: there is no such answer. */
  readonly find: (feature: string, name: string) => Answer | undefined
  readonly clock: Clock
  readonly log: Log
}

/** What the control plane answers its workers, and commands them. */
export class Links implements Part, Conversation {
  private readonly options: LinksOptions
  private readonly timers: TimerWheel
  private readonly fault: ReturnType<typeof faultLog>
  /** Of the workers that speak, by their number. */
  private readonly peers = new Map<number, LinkPeer>()

  constructor(options: LinksOptions) {
    const { clock, log } = options
    this.options = options
    this.timers = new TimerWheel(clock)
    this.fault = faultLog(clock, (error, { more, name, to }) =>
      log.error('a feature could not answer', { feature: to, question: name, more, error }),
    )
  }

  /** A worker speaks: it has nothing of an earlier one. */
  begin(worker: number, thread: Parameters<Conversation['begin']>[1]): void {
    const { clock, find } = this.options
    const { fault, timers } = this
    this.peers.set(
      worker,
      new LinkPeer({ post: (message) => thread.post(message), find, bounds: WORKER_BOUNDS, clock, timers, fault }),
    )
  }

  /** False: the message is for others. */
  receive(worker: number, message: FromWorker): boolean {
    return this.peers.get(worker)?.receive(message) ?? false
  }

  /** It is gone: what it asked is dropped, what it was told is done. */
  end(worker: number): void {
    this.peers.get(worker)?.close()
    this.peers.delete(worker)
  }

  /** See `ControlContext.command`. */
  async command(feature: string, name: string, value: unknown, deadlineMs: number = COMMAND_MS): Promise<Commanded> {
    // One after the other in each worker: a later one is not overtaken by one before it.
    const told = Array.from(this.peers, async ([worker, peer]) => {
      const said = await peer.ask(feature, { name, value, key: name }, deadlineMs).answer
      const why = isUnavailable(said) && said.unavailable !== 'gone' ? said.unavailable : undefined
      return { worker, why }
    })
    const missing = (await Promise.all(told)).flatMap(({ worker, why }) => (why === undefined ? [] : [{ worker, why }]))
    return { done: told.length - missing.length, missing: missing.toSorted((a, b) => a.worker - b.worker) }
  }

  close(): void {
    for (const worker of [...this.peers.keys()]) this.end(worker)
    this.timers.close()
  }
}
