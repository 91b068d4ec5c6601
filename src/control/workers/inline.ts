import type { AnyFeature } from '../../core/feature.ts'
import type { PluginModule } from '../../core/plugin.ts'
import { CRASHED, type FromWorker, type ToWorker } from '../../core/protocol.ts'
import { DataWorker } from '../../data/data-worker.ts'
import type { BorrowedRequests } from '../../data/ingress/node/borrowed.ts'
import { EventClock } from '../../lib/event-clock.ts'
import type { Random } from '../../lib/random.ts'
import { loopUtilization } from '../../lib/utilization.ts'
import { RunningWorker, type StartWorker, type WorkerOptions } from './running-worker.ts'

export interface InlineWorkersOptions {
  /** All features, with those of modules that come with the config. */
  readonly features: (plugins: readonly PluginModule[]) => Promise<readonly AnyFeature[]>
  readonly random: Random
}

/** Workers in the thread of the control plane: nothing is copied, and features may be objects with functions. */
export class InlineWorkers {
  private readonly options: InlineWorkersOptions
  /** In the order of their starts: one may come up while the one before still serves. */
  private running: readonly InlineWorker[] = []

  constructor(options: InlineWorkersOptions) {
    this.options = options
  }

  readonly start: StartWorker = (options) => {
    const onExit = (error: Error | undefined): void => {
      this.running = this.running.filter((other) => other !== worker)
      options.onExit(error)
    }
    const worker = new InlineWorker(this.options, { ...options, onExit })
    this.running = [...this.running, worker]
    return worker
  }

  /** Takes requests of other servers; undefined: no worker serves a config now. */
  get borrowed(): BorrowedRequests | undefined {
    return this.running.findLast(({ borrowed }) => borrowed !== undefined)?.borrowed
  }
}

/** Only errors in its messages end it alone: those in timers and sockets are uncaught ones of the process. */
class InlineWorker extends RunningWorker {
  private readonly measure = loopUtilization()
  /** All messages of both sides pass here: in order, and never within a call of the other side. */
  private tail: Promise<void>
  private worker: DataWorker | undefined = undefined
  private over = false
  readonly inspected = undefined

  constructor({ features, random }: InlineWorkersOptions, options: WorkerOptions) {
    super(options)
    const { clock, start } = options
    const post = (message: FromWorker): void => this.later(() => this.said(message))
    const exit = (code: number): void => this.end(code === CRASHED ? new Error('uncaught error') : undefined)
    this.tail = features(start.plugins).then(
      (all) => {
        if (this.over) return
        this.worker = new DataWorker(start, { clock: new EventClock(clock), random, features: all, post, exit })
        post({ type: 'ready' })
      },
      (error) => this.end(error as Error),
    )
  }

  get borrowed(): BorrowedRequests | undefined {
    return this.worker?.live && !this.over ? this.worker.borrowed : undefined
  }

  post(message: ToWorker): void {
    this.later(() => {
      try {
        this.worker?.receive(message)
      } catch (error) {
        this.worker?.crash(error)
      }
    })
  }

  mayRead(): boolean {
    return true
  }

  measureUtilization(): number {
    return this.measure()
  }

  async terminate(): Promise<void> {
    this.end(undefined)
    await this.tail
  }

  private later(act: () => void): void {
    this.tail = this.tail.then(() => {
      if (!this.over) act()
    })
  }

  /** What the worker says while it closes is still heard. */
  private end(error: Error | undefined): void {
    if (this.over) return
    this.worker?.close()
    this.later(() => {
      this.over = true
      this.ended(error)
    })
  }
}
