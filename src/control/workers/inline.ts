import type { AnyFeature } from '../../core/feature.ts'
import { CRASHED, type FromWorker, type ToWorker } from '../../core/protocol.ts'
import { DataWorker } from '../../data/data-worker.ts'
import type { Random } from '../../lib/random.ts'
import { loopUtilization } from '../../lib/utilization.ts'
import { RunningWorker, type StartWorker, type WorkerOptions } from './running-worker.ts'

export interface InlineOptions {
  readonly features: readonly AnyFeature[]
  readonly random: Random
}

/** Workers in the thread of the control plane: nothing is copied, and features may be objects with functions. */
export function inThisThread(inline: InlineOptions): StartWorker {
  return (options) => new InlineWorker(inline, options)
}

/** Only errors in its messages end it alone: those in timers and sockets are uncaught ones of the process. */
class InlineWorker extends RunningWorker {
  private readonly worker: DataWorker
  private readonly measure = loopUtilization()
  private over = false

  constructor({ features, random }: InlineOptions, options: WorkerOptions) {
    super(options)
    const { clock, start } = options
    const post = (message: FromWorker): void => this.later(() => this.said(message))
    const exit = (code: number): void => this.end(code === CRASHED ? new Error('uncaught error') : undefined)
    this.worker = new DataWorker(start, { clock, random, features, post, exit })
    post({ type: 'ready' })
  }

  post(message: ToWorker): void {
    this.later(() => {
      try {
        this.worker.receive(message)
      } catch (error) {
        this.worker.crash(error)
      }
    })
  }

  measureUtilization(): number {
    return this.measure()
  }

  async terminate(): Promise<void> {
    this.end(undefined)
    await Promise.resolve()
  }

  /** As between threads: in order, and never within a call of the other side. */
  private later(act: () => void): void {
    queueMicrotask(() => {
      if (!this.over) act()
    })
  }

  /** What the worker says while it closes is still heard. */
  private end(error: Error | undefined): void {
    if (this.over) return
    this.worker.close()
    queueMicrotask(() => {
      if (this.over) return
      this.over = true
      this.ended(error)
    })
  }
}
