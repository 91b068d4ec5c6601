import type { EventLoopUtilization } from 'node:perf_hooks'
import { isDeepStrictEqual } from 'node:util'
import { Worker } from 'node:worker_threads'
import { CRASHED, type FromWorker, type ToWorker } from '../../core/protocol.ts'
import { type Inspected, RunningWorker, type StartWorker, type WorkerOptions } from './running-worker.ts'
import { seatBelt } from './seat-belt.ts'

/** Workers in threads of their own, which may do no more than they must. `entry`: the thread's entry file. */
export function inThreads(entry: URL): StartWorker {
  return (options) => new WorkerThread(entry, options)
}

class WorkerThread extends RunningWorker {
  private readonly thread: Worker
  private readonly reads: readonly string[]
  private measured: EventLoopUtilization | undefined = undefined
  private error: Error | undefined = undefined
  private readonly exited: Promise<void>

  constructor(entry: URL, options: WorkerOptions) {
    super(options)
    const { limits, reads, start, state } = options
    this.reads = reads
    this.thread = new Worker(entry, {
      workerData: start,
      resourceLimits: limits,
      name: `worker-${start.worker}`,
      ...seatBelt(start.plugins, reads, state),
    })
    this.thread.on('message', (message: FromWorker) => this.said(message))
    this.thread.on('error', (error) => {
      this.error = error as Error
    })
    this.exited = new Promise((resolve) => {
      this.thread.on('exit', (code) => {
        this.ended(this.error ?? (code === CRASHED ? new Error('uncaught error') : undefined))
        resolve()
      })
    })
  }

  get inspected(): Inspected {
    return this.thread
  }

  post(message: ToWorker): void {
    this.thread.postMessage(message)
  }

  mayRead(paths: readonly string[]): boolean {
    return isDeepStrictEqual(paths, this.reads)
  }

  measureUtilization(): number {
    const now = this.thread.performance.eventLoopUtilization()
    const { utilization } = this.thread.performance.eventLoopUtilization(now, this.measured)
    this.measured = now
    return utilization
  }

  async terminate(): Promise<void> {
    await this.thread.terminate()
    await this.exited
  }
}
