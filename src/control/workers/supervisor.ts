import type { ListenerConfig } from '../../core/config.ts'
import type { FromWorker, ToWorker, UpstreamEndpoints } from '../../core/protocol.ts'
import type { Mark } from '../registry/lease.ts'
import type { Conversation } from './conversation.ts'
import { Crew } from './crew.ts'
import type { CrewOptions } from './crew-options.ts'
import { Openings } from './openings.ts'
import { type Replacing, replaceAll } from './replacement.ts'
import { ConfigRefused, commit, FIRST_MS, prepare, type Rollout, SWAP_MS } from './rollout.ts'
import { type RunningWorker, WorkerGone } from './running-worker.ts'
import type { WorkerSlot } from './slot.ts'

export interface SupervisorOptions extends CrewOptions {
  readonly conversations: readonly Conversation[]
  /** A config is about to go live without these feeds, which it needs: feature and name. */
  readonly goesWithout: (feeds: readonly string[]) => void
  /** The system lets workers share ports. */
  readonly reusePort: boolean
  /** No worker has served for 30 s. Called once. */
  readonly onLost: () => void
}

/** Gives the workers what they run: config in two phases, endpoints, listeners; and takes it away again on drain. */
export class Supervisor {
  readonly crew: Crew
  readonly openings: Openings
  private readonly options: SupervisorOptions
  private committed: Rollout | undefined = undefined
  private pending: Rollout | undefined = undefined
  private update = 0
  private draining = false
  private leaving = false
  private onIdle: () => void = () => {}

  constructor(options: SupervisorOptions) {
    this.options = options
    this.openings = new Openings(options, { opening: (slot) => this.sendPages(slot), lacking: () => this.bringAll() })
    this.crew = new Crew(options, {
      ready: (slot) => {
        // What is fed goes ahead of all else.
        for (const conversation of options.conversations) conversation.begin(slot.worker, slot.thread as RunningWorker)
        void this.bring(slot)
      },
      message: (slot, message) => this.receive(slot, message),
      gone: (slot) => {
        for (const conversation of options.conversations) conversation.end(slot.worker)
        this.checkIdle()
        // What it alone had is for the others.
        this.bringAll()
      },
      looked: () => options.registry.reclaim(this.passed()),
      lost: options.onLost,
    })
  }

  /** Starts all workers; resolves when each speaks the protocol, rejects when one of them ends or stays silent. */
  start(): Promise<void> {
    return this.crew.start()
  }

  /** Ends all threads. */
  async stop(): Promise<void> {
    this.leaving = true
    await Promise.all([this.crew.stop(), this.openings.unbind()])
  }

  /**
   * Swaps every worker to a config in two phases: none runs it before all have compiled it. Rejects with the reason when
   * one refuses or is too slow; nothing has changed then. A worker that dies meanwhile gets the committed one.
   */
  async apply(next: Rollout): Promise<void> {
    if (this.pending !== undefined) throw new Error('another config is being applied')
    this.pending = next
    const change = this.crew.suits(next) ? this.swap(next) : replaceAll(next, this.replacing)
    try {
      await change
    } finally {
      this.pending = undefined
    }
    this.bringAll()
  }

  private get replacing(): Replacing {
    const { clock, log, reusePort } = this.options
    return {
      crew: this.crew,
      clock,
      log,
      reusePort,
      ended: () => this.leaving,
      connections: (slot) => this.openings.connections(slot),
      equip: async (slot, next) => {
        this.options.goesWithout(await this.prepare(slot, next))
        return this.commit(slot, next)
      },
      live: (next) => {
        this.committed = next
      },
      serve: (slot) => this.bring(slot),
    }
  }

  private async swap(next: Rollout): Promise<void> {
    const members = this.crew.slots.filter((slot) => slot.usable && !slot.busy)
    for (const slot of members) slot.busy = true
    try {
      const ready = await this.prepareAll(members, next)
      this.committed = next
      await Promise.all(ready.map((slot) => this.commit(slot, next)))
    } finally {
      for (const slot of members) slot.busy = false
    }
  }

  /** Names resolve to other addresses: tells every worker. Returns the number of the update. */
  updateEndpoints(sets: readonly UpstreamEndpoints[]): number {
    const update = ++this.update
    for (const rollout of [this.committed, this.pending]) {
      for (const set of sets) if (rollout?.endpoints.has(set.upstream)) rollout.endpoints.set(set.upstream, set)
    }
    for (const slot of this.crew.slots) {
      if (slot.usable && slot.generation > 0) this.send(slot, { type: 'endpoints', update, sets })
    }
    return update
  }

  /**
   * Opens a listener in every worker; the first one decides what port 0 is. Returns the port; rejects with {@link
   * ListenFailed} when the first cannot. Other workers that cannot are replaced.
   */
  async listen(listener: ListenerConfig): Promise<number> {
    const first = this.crew.slots.find((slot) => slot.usable && !slot.busy)
    if (first?.thread === undefined) throw new WorkerGone('there is no worker')
    const port = await this.openings.first(first, first.thread, listener)
    await Promise.all(this.crew.slots.map((slot) => this.bring(slot)))
    return port
  }

  /** Closes the oldest opening of a listener; its connections end politely, after `cutAfter` milliseconds all of them. */
  close(name: string, cutAfter: number): void {
    this.openings.remove(name, cutAfter, this.crew.slots)
  }

  /** `Connection: close` on every answer from now on. */
  drain(): void {
    this.draining = true
    this.broadcast({ type: 'drain' })
  }

  /**
   * Closes all listeners; resolves when the last exchange of the last worker has ended, for which there are `ms`. No worker is
   * replaced from now on.
   */
  unlisten(ms: number): Promise<void> {
    this.leaving = true
    this.crew.close()
    void this.openings.unbind()
    return new Promise((resolve) => {
      this.onIdle = resolve
      for (const slot of this.crew.slots) {
        if (slot.usable) slot.thread?.post({ type: 'unlisten', ms })
        else this.crew.end(slot, 'exit')
      }
      this.checkIdle()
    })
  }

  /** Ends the exchanges that are left. */
  cut(): void {
    this.broadcast({ type: 'cut' })
  }

  /** For tests: makes a worker misbehave. Only with `testHooks`. */
  hook(worker: number, hook: 'block' | 'throw' | 'exit', ms = 0): void {
    this.crew.slots[worker]?.thread?.post({ type: 'hook', hook, ms })
  }

  private receive(slot: WorkerSlot, message: FromWorker): void {
    if (this.options.conversations.some((conversation) => conversation.receive(slot.worker, message))) return
    if (message.type === 'retired') slot.living.delete(message.generation)
    else if (message.type === 'updated') slot.update = message.update
    else if (message.type === 'idle') {
      slot.idle = true
      this.checkIdle()
    }
  }

  private async prepareAll(members: readonly WorkerSlot[], next: Rollout): Promise<WorkerSlot[]> {
    const results = await Promise.allSettled(members.map((slot) => this.prepare(slot, next)))
    const ready = members.filter((_, i) => results[i]?.status === 'fulfilled')
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []))
    const refusal = reasons.find((reason) => !(reason instanceof WorkerGone))
    if (refusal === undefined && ready.length > 0) {
      this.options.goesWithout(results.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])))
      return ready
    }
    this.broadcast({ type: 'abort', generation: next.generation })
    for (const slot of members) slot.sentUpdate = Number.POSITIVE_INFINITY
    throw refusal ?? new WorkerGone('no worker lived long enough to take the config')
  }

  private prepare(slot: WorkerSlot, rollout: Rollout): Promise<readonly string[]> {
    const { thread } = slot
    if (thread === undefined) return Promise.reject(new WorkerGone('the worker ended'))
    this.sendPages(slot)
    slot.sentUpdate = this.update
    return prepare(thread, rollout, this.options.clock, patience(slot))
  }

  /** A worker that prepared and then does not commit is replaced: it must not run an older config than the others. */
  private async commit(slot: WorkerSlot, rollout: Rollout): Promise<boolean> {
    const { thread } = slot
    if (thread === undefined) return false
    // Before the answer: the older generation may retire ahead of it.
    slot.living.add(rollout.generation)
    try {
      await commit(thread, rollout, patience(slot))
    } catch (error) {
      if (!(error instanceof WorkerGone)) this.fail(slot, thread, 'a worker did not commit its config', error)
      return false
    }
    slot.generation = rollout.generation
    slot.update = slot.sentUpdate
    slot.sentUpdate = Number.POSITIVE_INFINITY
    // Addresses that changed while it compiled.
    if (slot.update !== this.update) {
      this.send(slot, { type: 'endpoints', update: this.update, sets: [...rollout.endpoints.values()] })
    }
    return true
  }

  /** Brings a worker to the committed config and opens the listeners that it lacks. */
  private async bring(slot: WorkerSlot): Promise<void> {
    const { thread } = slot
    if (thread === undefined || !slot.usable || slot.busy || !slot.active) return
    if (this.leaving) return this.crew.end(slot, 'exit')
    slot.busy = true
    try {
      for (let to = this.committed; to !== undefined && slot.generation !== to.generation; to = this.committed) {
        this.options.goesWithout(await this.prepare(slot, to))
        if (!(await this.commit(slot, to))) return
      }
      await this.openings.complete(slot, thread)
      if (slot.generation > 0 && !slot.serving) {
        slot.serving = true
        if (this.draining) thread.post({ type: 'drain' })
      }
    } catch (error) {
      if (!(error instanceof WorkerGone)) this.fail(slot, thread, 'a worker could not be brought up', error)
    } finally {
      if (slot.thread === thread) slot.busy = false
    }
  }

  private bringAll(): void {
    if (this.leaving) return
    for (const slot of this.crew.slots) void this.bring(slot)
  }

  private fail(slot: WorkerSlot, thread: RunningWorker, message: string, error: unknown): void {
    this.options.log.error(message, { worker: slot.worker, error })
    if (slot.thread === thread) this.crew.end(slot, error instanceof ConfigRefused ? 'config' : 'error')
  }

  private send(slot: WorkerSlot, message: ToWorker): void {
    this.sendPages(slot)
    slot.thread?.post(message)
  }

  /** New pages go ahead of what refers to them. */
  private sendPages(slot: WorkerSlot): void {
    const { pages } = this.options.registry
    if (slot.pages === pages.length) return
    slot.thread?.post({ type: 'pages', pages: pages.slice(slot.pages) })
    slot.pages = pages.length
  }

  private broadcast(message: ToWorker): void {
    for (const slot of this.crew.slots) if (slot.usable) slot.thread?.post(message)
  }

  private checkIdle(): void {
    if (this.leaving && this.crew.slots.every((slot) => slot.thread === undefined || slot.idle)) this.onIdle()
  }

  /** What every living worker has left behind; workers without a thread hold nothing. */
  private passed(): Mark {
    const living = this.crew.slots.filter((slot) => slot.thread !== undefined)
    return {
      generation: Math.min(...living.map((slot) => Math.min(...slot.living))),
      update: Math.min(...living.map((slot) => Math.min(slot.update, slot.sentUpdate))),
    }
  }
}

/** Milliseconds that a worker has for each step of a swap. */
function patience({ generation }: WorkerSlot): number {
  return generation === 0 ? FIRST_MS : SWAP_MS
}
