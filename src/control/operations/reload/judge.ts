import { type ResourceLimits, Worker } from 'node:worker_threads'
import type { ConfigReading } from '../../../config/sources/reading.ts'
import { BadCommand, CommandRefused, NotFound } from '../../../core/command.ts'
import type { ReadCall } from '../../../core/operation.ts'
import type { PluginModule } from '../../../core/plugin.ts'
import type { Clock, ClockHandle } from '../../../lib/clock.ts'
import { threadEnv } from '../../../lib/thread-env.ts'
import { type Judgement, type Sealed, unpackConfig, type VerdictMessage } from './judged.ts'

/** A config of 16 MiB takes most of a minute. */
const JUDGE_MS = 120_000
const IDLE_MS = 60_000
/** A text of 16 MiB with its places takes most of it. */
const HEAP_MB = 3_072

/** A live config as others may ask about it. `id`: differs between configs. */
export interface LiveConfig {
  readonly id: number
  readonly sealed: Sealed
}

/** What the thread is asked. */
export interface JudgeAsk {
  readonly number: number
  readonly ask:
    | { readonly type: 'judge'; readonly reading: ConfigReading; readonly good: LiveConfig }
    | { readonly type: 'explain'; readonly live: LiveConfig; readonly body: unknown }
    | { readonly type: 'effective'; readonly live: LiveConfig; readonly query: ReadCall['query'] }
}

/** What the thread is started with. */
export interface JudgeStart {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly plugins: readonly PluginModule[]
}

export interface JudgeAnswer {
  readonly number: number
  readonly value?: unknown
  readonly error?: { readonly kind: 'bad' | 'missing' | 'bug'; readonly message: string }
}

/** Judges configs, and answers questions about live ones. */
export interface Judging {
  /** Never rejects: a config that cannot be judged is refused. `good`: see `loadConfig`. */
  judge(reading: ConfigReading, good: LiveConfig): Promise<Judgement>
  /** The answer to `POST /api/v1/explain`. Rejects with {@link BadCommand}. */
  explain(live: LiveConfig, body: unknown): Promise<unknown>
  /** The answer to `GET /api/v1/config/effective`. Rejects with {@link BadCommand} or {@link NotFound}. */
  effective(live: LiveConfig, query: ReadCall['query']): Promise<unknown>
  close(): Promise<void>
}

export interface JudgeOptions {
  /** The thread's entry file. */
  readonly entry: URL
  /** What `${NAME}` stands for. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly plugins: readonly PluginModule[]
  readonly clock: Clock
}

/** Makes the judge of a gateway. */
export type StartJudge = (options: Omit<JudgeOptions, 'entry'>) => Judging

/** Judging did not finish: what is wrong with it, for operators. */
class NotJudged extends Error {}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: ClockHandle
}

/**
 * Judges configs in a thread of its own: a file of 2 MB takes seconds, in which probes must be answered. A config that is
 * too large for memory or takes too long ends that thread and nothing else. The thread is started when needed, and ends
 * when idle.
 */
export class Judge implements Judging {
  private readonly options: JudgeOptions
  private thread: Worker | undefined = undefined
  private readonly waiting = new Map<number, Waiting>()
  private asked = 0
  private idle: ClockHandle = undefined
  private closed = false

  constructor(options: JudgeOptions) {
    this.options = options
  }

  async judge(reading: ConfigReading, good: LiveConfig): Promise<Judgement> {
    try {
      const { config, ...rest } = (await this.ask({ type: 'judge', reading, good })) as VerdictMessage
      return { ...rest, config: config && (await unpackConfig(config, turn)) }
    } catch (error) {
      return notJudged((error as Error).message)
    }
  }

  explain(live: LiveConfig, body: unknown): Promise<unknown> {
    return this.told({ type: 'explain', live, body })
  }

  effective(live: LiveConfig, query: ReadCall['query']): Promise<unknown> {
    return this.told({ type: 'effective', live, query })
  }

  async close(): Promise<void> {
    this.closed = true
    await this.end(new NotJudged('the gateway ends'))
  }

  private async told(ask: JudgeAsk['ask']): Promise<unknown> {
    try {
      return await this.ask(ask)
    } catch (error) {
      throw error instanceof NotJudged ? new CommandRefused('unavailable', error.message) : error
    }
  }

  private async ask(ask: JudgeAsk['ask']): Promise<unknown> {
    if (this.closed) throw new NotJudged('the gateway ends')
    const { clock } = this.options
    clock.cancel(this.idle)
    const thread = this.started()
    const number = ++this.asked
    try {
      return await new Promise((resolve, reject) => {
        const late = new NotJudged(`no answer within ${JUDGE_MS / 1000} s`)
        const timer = clock.after(JUDGE_MS, () => void this.end(late))
        this.waiting.set(number, { resolve, reject, timer })
        thread.postMessage({ number, ask } satisfies JudgeAsk)
      })
    } finally {
      if (this.waiting.size === 0 && this.thread !== undefined)
        this.idle = clock.after(IDLE_MS, () => void this.end(new NotJudged('the thread was idle')))
    }
  }

  private started(): Worker {
    if (this.thread !== undefined) return this.thread
    const { entry, env, plugins } = this.options
    const resourceLimits: ResourceLimits = { maxOldGenerationSizeMb: HEAP_MB }
    const thread = new Worker(entry, {
      name: 'judge',
      workerData: { env: { ...env }, plugins } satisfies JudgeStart,
      env: threadEnv(),
      resourceLimits,
    })
    this.thread = thread
    // The process does not wait for it: `close` ends it.
    thread.unref()
    thread.on('message', (answer: JudgeAnswer) => this.answered(answer))
    let why = 'its thread ended'
    thread.on('error', (error: NodeJS.ErrnoException) => {
      why = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'it takes too much memory' : error.message
    })
    thread.on('exit', () => {
      if (this.thread !== thread) return
      this.thread = undefined
      this.fail(new NotJudged(why))
    })
    return thread
  }

  private answered({ error, number, value }: JudgeAnswer): void {
    const waiting = this.waiting.get(number)
    if (waiting === undefined) return
    this.waiting.delete(number)
    this.options.clock.cancel(waiting.timer)
    if (error === undefined) waiting.resolve(value)
    else if (error.kind === 'bad') waiting.reject(new BadCommand(error.message))
    else if (error.kind === 'missing') waiting.reject(new NotFound(error.message))
    else waiting.reject(new Error(error.message))
  }

  private async end(why: Error): Promise<void> {
    const { thread } = this
    this.options.clock.cancel(this.idle)
    this.thread = undefined
    this.fail(why)
    await thread?.terminate()
  }

  private fail(why: Error): void {
    const waiting = [...this.waiting.values()]
    this.waiting.clear()
    for (const { reject, timer } of waiting) {
      this.options.clock.cancel(timer)
      reject(why)
    }
  }
}

/** `why`: for operators. */
export function notJudged(why: string): Judgement {
  const problems = [`the config could not be judged: ${why}`]
  return { config: undefined, written: undefined, problems, diagnostics: [], kept: [], sources: [], documents: {} }
}

/** Lets the loop turn once: waiting work is served. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
