import type { ResourceLimits, Worker } from 'node:worker_threads'
import type { FromWorker, ToWorker, WorkerStart } from '../../core/protocol.ts'
import type { Clock, ClockHandle } from '../../lib/clock.ts'
import type { ExitReason } from '../contract.ts'

/** The worker ended, or was about to, while an answer was awaited. */
export class WorkerGone extends Error {}

/** The worker did not answer in time. */
export class WorkerSilent extends Error {}

export interface WorkerOptions {
  readonly start: WorkerStart
  readonly limits: ResourceLimits
  /** Files and folders that it may read besides its code. */
  readonly reads: readonly string[]
  /** Folder of what the gateway keeps, which no package of a plug-in opens to it; undefined: it keeps nothing on disk. */
  readonly state: string | undefined
  readonly clock: Clock
  /** Every message, those that answer a question too. Never called before the constructor has returned. */
  readonly onMessage: (message: FromWorker) => void
  /** Nothing of the worker runs any more. `error`: uncaught. Called once, never before the constructor has returned. */
  readonly onExit: (error: Error | undefined) => void
}

/** What a thread tells of itself from outside. */
export type Inspected = Pick<Worker, 'getHeapSnapshot' | 'getHeapStatistics' | 'startCpuProfile'>

/** Starts a worker where it is to run. */
export type StartWorker = (options: WorkerOptions) => RunningWorker

interface Question {
  offer(message: FromWorker): void
  fail(error: Error): void
}

/** A worker of the data plane from its start to its end, wherever it runs. */
export abstract class RunningWorker {
  private readonly options: WorkerOptions
  private readonly questions = new Set<Question>()

  constructor(options: WorkerOptions) {
    this.options = options
  }

  /** Its thread; undefined: it runs in ours. */
  abstract readonly inspected: Inspected | undefined

  /** Messages arrive in their order, after the present call stack. */
  abstract post(message: ToWorker): void

  /** Whether these are the files and folders that it may read: no others, where anything holds it to that. */
  abstract mayRead(paths: readonly string[]): boolean

  /** Share of time in which its loop was busy since the previous call. */
  abstract measureUtilization(): number

  /** Ends it, even where its loop is blocked. Resolves after `onExit`. */
  abstract terminate(): Promise<void>

  /**
   * Posts and waits until `answer` returns a value for a message. Rejects with {@link WorkerGone}, with {@link
   * WorkerSilent} after `deadlineMs`, or with what `answer` throws.
   */
  ask<T>(message: ToWorker, deadlineMs: number, answer: (message: FromWorker) => T | undefined): Promise<T> {
    return this.when(deadlineMs, answer, () => this.post(message))
  }

  /** The same without a question of our own. */
  when<T>(deadlineMs: number, answer: (message: FromWorker) => T | undefined, begin = () => {}): Promise<T> {
    const { promise } = this.pending(deadlineMs, answer)
    begin()
    return promise
  }

  /** Settles as `task` does; rejects as {@link ask} if the worker ends before, or the time does. */
  outlives<T>(deadlineMs: number, task: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = this.pending<T>(deadlineMs, () => undefined)
    task.then(resolve, reject)
    return promise
  }

  private pending<T>(deadlineMs: number, answer: (message: FromWorker) => T | undefined) {
    const { clock } = this.options
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const settle = (act: () => void): void => {
      this.questions.delete(question)
      clock.cancel(timer)
      act()
    }
    const fail = (error: Error): void => settle(() => reject(error))
    const question: Question = {
      offer: (reply) => {
        try {
          const value = answer(reply)
          if (value !== undefined) settle(() => resolve(value))
        } catch (error) {
          fail(error as Error)
        }
      },
      fail,
    }
    const timer: ClockHandle = clock.after(deadlineMs, () =>
      fail(new WorkerSilent(`no answer within ${Math.ceil(deadlineMs)} ms`)),
    )
    this.questions.add(question)
    return { promise, resolve: (value: T): void => settle(() => resolve(value)), reject: fail }
  }

  /** The worker has said this. */
  protected said(message: FromWorker): void {
    this.options.onMessage(message)
    for (const question of this.questions) question.offer(message)
  }

  protected ended(error: Error | undefined): void {
    const why = error === undefined ? 'the worker ended' : `the worker ended: ${error.message}`
    for (const question of this.questions) question.fail(new WorkerGone(why))
    this.options.onExit(error)
  }
}

/** Why a worker ended by itself. */
export function exitReason(error: Error | undefined): ExitReason {
  if (error === undefined) return 'exit'
  return (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'error'
}
