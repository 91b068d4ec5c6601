import type { EventLoopUtilization } from 'node:perf_hooks'
import { type ResourceLimits, Worker } from 'node:worker_threads'
import { CRASHED, type FromWorker, type ToWorker, type WorkerStart } from '../../core/protocol.ts'
import type { Clock, ClockHandle } from '../../lib/clock.ts'
import type { ExitReason } from '../contract.ts'

/** The worker ended, or was about to, while an answer was awaited. */
export class WorkerGone extends Error {}

/** The worker did not answer in time. */
export class WorkerSilent extends Error {}

export interface WorkerThreadOptions {
  readonly entry: URL
  readonly start: WorkerStart
  readonly limits: ResourceLimits
  readonly clock: Clock
  /** Every message, those that answer a question too. */
  readonly onMessage: (message: FromWorker) => void
  /** The thread is gone and nothing of it runs any more. `error`: uncaught. */
  readonly onExit: (error: Error | undefined) => void
}

interface Question {
  offer(message: FromWorker): void
  fail(error: Error): void
}

/** One thread of the data plane, from its start to its exit. */
export class WorkerThread {
  private readonly thread: Worker
  private readonly clock: Clock
  private readonly questions = new Set<Question>()
  private measured: EventLoopUtilization | undefined = undefined
  private error: Error | undefined = undefined
  private readonly exited: Promise<void>

  constructor({ entry, start, limits, clock, onMessage, onExit }: WorkerThreadOptions) {
    this.clock = clock
    this.thread = new Worker(entry, { workerData: start, resourceLimits: limits, name: `worker-${start.worker}` })
    this.thread.on('message', (message: FromWorker) => {
      onMessage(message)
      for (const question of this.questions) question.offer(message)
    })
    this.thread.on('error', (error) => {
      this.error = error as Error
    })
    this.exited = new Promise((resolve) => {
      this.thread.on('exit', (code) => {
        for (const question of this.questions) question.fail(new WorkerGone('the worker ended'))
        onExit(this.error ?? (code === CRASHED ? new Error('uncaught error') : undefined))
        resolve()
      })
    })
  }

  /** Share of time in which its loop was busy since the previous call. */
  measureUtilization(): number {
    const now = this.thread.performance.eventLoopUtilization()
    const { utilization } = this.thread.performance.eventLoopUtilization(now, this.measured)
    this.measured = now
    return utilization
  }

  post(message: ToWorker): void {
    this.thread.postMessage(message)
  }

  /**
   * Posts and waits until `answer` returns a value for a message. Rejects with {@link WorkerGone}, with {@link
   * WorkerSilent} after `deadlineMs`, or with what `answer` throws.
   */
  ask<T>(message: ToWorker, deadlineMs: number, answer: (message: FromWorker) => T | undefined): Promise<T> {
    return this.when(deadlineMs, answer, () => this.post(message))
  }

  /** The same without a question of our own. */
  when<T>(deadlineMs: number, answer: (message: FromWorker) => T | undefined, then = () => {}): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.questions.delete(question)
        this.clock.cancel(timer)
        act()
      }
      const question: Question = {
        offer: (reply) => {
          try {
            const value = answer(reply)
            if (value !== undefined) settle(() => resolve(value))
          } catch (error) {
            settle(() => reject(error))
          }
        },
        fail: (error) => settle(() => reject(error)),
      }
      const timer: ClockHandle = this.clock.after(deadlineMs, () =>
        question.fail(new WorkerSilent(`no answer within ${Math.ceil(deadlineMs)} ms`)),
      )
      this.questions.add(question)
      then()
    })
  }

  /** Ends the thread, even one whose loop is blocked. Resolves after `onExit`. */
  async terminate(): Promise<void> {
    await this.thread.terminate()
    await this.exited
  }
}

/** Why a thread ended by itself. */
export function exitReason(error: Error | undefined): ExitReason {
  if (error === undefined) return 'exit'
  return (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'error'
}
