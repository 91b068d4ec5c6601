import {
  type Answer,
  type CommandHandler,
  type FedValue,
  type LinkMessage,
  type LinkQuestion,
  type PendingAnswer,
  WORKER_BOUNDS,
} from '../../core/link.ts'
import type { FromWorker, ToWorker } from '../../core/protocol.ts'
import type { Clock } from '../../lib/clock.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import { within } from '../../lib/within.ts'
import type { Fault } from '../../link/fault-log.ts'
import { LinkPeer } from '../../link/peer.ts'
import { HINT } from '../../stores/calls/remote.ts'
import { KeptFeed } from './kept-feed.ts'
import { WorkerStores } from './worker-stores.ts'

export interface WorkerLinkOptions {
  readonly post: (message: Extract<FromWorker, LinkMessage | { readonly type: 'fed' }>) => void
  readonly clock: Clock
  readonly timers: TimerWheel
  /** A mistake in our own code. */
  readonly fault: Fault
}

/** A command that nothing of its feature listens to: there is nothing to do. */
const DONE: Answer = () => undefined

/** What the features of a worker and the control plane ask, feed and command, over all generations. */
export class WorkerLink {
  readonly stores: WorkerStores
  private readonly options: WorkerLinkOptions
  private readonly peer: LinkPeer
  /** By feature and name. */
  private readonly feeds = new Map<string, KeptFeed>()
  /** The same. */
  private readonly commands = new Map<string, Answer>()
  /** Called after each batch. */
  private readonly awaiting = new Set<() => void>()
  private keeping = 0

  constructor(options: WorkerLinkOptions) {
    this.options = options
    const find = (feature: string, command: string): Answer => this.commands.get(keyOf(feature, command)) ?? DONE
    this.peer = new LinkPeer({ ...options, bounds: WORKER_BOUNDS, find })
    this.stores = new WorkerStores(this, (topic, error) => options.fault(error, { to: topic, name: HINT }))
  }

  /** False: the message is for others. */
  receive(message: ToWorker): boolean {
    if (message.type !== 'feeds') return this.peer.receive(message)
    this.take(message.values)
    this.options.post({ type: 'fed' })
    return true
  }

  ask<A>(feature: string, question: LinkQuestion, deadlineMs: number): PendingAnswer<A> {
    return this.peer.ask(feature, question, deadlineMs)
  }

  feed<T>(feature: string, name: string): KeptFeed<T> {
    const key = keyOf(feature, name)
    let feed = this.feeds.get(key)
    if (feed === undefined) {
      feed = new KeptFeed(feature, name, () => this.check('a feed is listened to'))
      this.feeds.set(key, feed)
    }
    return feed as KeptFeed<T>
  }

  command<Q>(feature: string, name: string, handle: CommandHandler<Q>): void {
    this.check('a command is taken')
    const key = keyOf(feature, name)
    if (this.commands.has(key)) throw new Error(`${feature}: two take the command ${name}`)
    this.commands.set(key, handle as Answer)
  }

  /** What `make` returns lasts as long as the worker: it may listen to feeds and take commands. */
  keep<T>(make: () => T): T {
    this.keeping++
    try {
      return make()
    } finally {
      this.keeping--
    }
  }

  /** Waits until all of these have a value, `ms` at most; returns those that have none, by feature and name. */
  async arrived(needed: ReadonlySet<KeptFeed>, ms: number): Promise<readonly string[]> {
    const missing = (): KeptFeed[] => [...needed].filter(({ value }) => value === undefined)
    if (missing().length > 0) {
      let look = (): void => {}
      const all = new Promise<void>((resolve) => {
        look = () => {
          if (missing().length === 0) resolve()
        }
      })
      this.awaiting.add(look)
      await within(this.options.clock, ms, all, () => {})
      this.awaiting.delete(look)
    }
    return missing().map(({ feature, name }) => `${feature} ${name}`)
  }

  /** The control plane is gone, or the worker goes. */
  close(): void {
    this.peer.close()
  }

  /** Those who listen to one see the new values of all. */
  private take(values: readonly FedValue[]): void {
    const { fault } = this.options
    const newer = values.flatMap((value) => {
      const feed = this.feed(value.feature, value.name)
      return feed.take(value) ? feed : []
    })
    for (const feed of newer) feed.tell((error) => fault(error, { to: feed.feature, name: feed.name }))
    for (const look of this.awaiting) look()
  }

  private check(what: string): void {
    if (this.keeping === 0) throw new Error(`${what} only within keep: what is compiled goes with its generation`)
  }
}

function keyOf(feature: string, name: string): string {
  return `${feature}\0${name}`
}
