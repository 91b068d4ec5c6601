import { Worker } from 'node:worker_threads'
import { isUnavailable, type Unavailable, unavailable } from '../../core/link.ts'
import type { Clock, ClockHandle } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { RestartDelay } from '../../lib/restart-delay.ts'
import { threadEnv } from '../../lib/thread-env.ts'
import { TimerWheel } from '../../lib/timers.ts'
import { within } from '../../lib/within.ts'
import { Asker } from '../../link/asker.ts'
import type { StoreAnswer, StoreCall, StoreCallName } from '../calls/call.ts'
import { firstVersion } from '../calls/versions.ts'
import {
  EXIT_BROKEN,
  type FromStoreThread,
  type NotOpened,
  STORE_CALL,
  STORE_LINK,
  type StoreThreadStart,
  type TimedCall,
  type ToStoreThread,
} from './messages.ts'

/** Reading a file of the most bytes takes less. */
const OPEN_MS = 30_000
const CLOSE_MS = 5000
/** Bytes of values that may wait for the thread. */
const WAITING_BYTES = 64 * 1_048_576
/** A line of the log at most as often. */
const FAULTS_MS = 10_000
const STORE = 'store'

export interface SqliteStoreOptions {
  readonly file: string
  /** Bytes that it may have; its log comes on top. */
  readonly bytes: number
  /** Milliseconds in which each call is answered. */
  readonly deadlineMs: number
  /** The thread's entry file, see {@link sqliteEntry}. */
  readonly entry: URL
  /** `wall` is the clock of the store. */
  readonly clock: Clock
  readonly log: Log
}

/** The entry file of the thread. */
export function sqliteEntry(): URL {
  // A URL is not an import: the build does not rewrite its extension.
  return new URL(`./thread-entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
}

/** A thread that serves the file. */
interface Serving {
  readonly thread: Worker
  readonly asker: Asker
  readonly since: number
  /** Calls that it has not answered. */
  calls: number
}

/**
 * A store in a file, which a thread of its own reads and writes: nothing else waits for the disk. If the thread dies, what
 * waits for it is `gone` at once, and another one is started; until it has opened the file, calls are `gone`, too. If the
 * disk stands still, calls wait until their deadline and those that come then do not: what waits has a bound.
 */
export class SqliteStore {
  /** Bytes of the file. */
  bytes = 0
  private readonly options: SqliteStoreOptions
  private readonly timers: TimerWheel
  /** The latest; undefined: it has ended. */
  private thread: Worker | undefined = undefined
  private serving: Serving | undefined = undefined
  private waitingBytes = 0
  /** When the thread last said something. */
  private heardAt = 0
  /** A call was not answered in time, and the thread has said nothing since it was made. */
  private isStalled = false
  private readonly delay = new RestartDelay()
  private restart: ClockHandle = undefined
  private faultsDue = 0
  private closed = false

  private constructor(options: SqliteStoreOptions) {
    this.options = options
    this.timers = new TimerWheel(options.clock)
  }

  /** The file is served, or it is not opened and stays as it is. */
  static async open(options: SqliteStoreOptions): Promise<SqliteStore | NotOpened> {
    const store = new SqliteStore(options)
    const refused = await store.start(false)
    return refused ?? store
  }

  /** Whether its thread serves the file, and the file lets it. */
  get isUp(): boolean {
    return this.serving !== undefined && !this.isStalled
  }

  send = async <K extends StoreCallName>(call: StoreCall<K>): Promise<StoreAnswer<K> | Unavailable> => {
    const { serving } = this
    if (serving === undefined || this.closed) return unavailable('gone')
    if (this.isStalled) return unavailable('deadline')
    const { clock, deadlineMs } = this.options
    const bytes = call.call === 'put' ? (call as StoreCall<'put'>).value.byteLength : 0
    if (this.waitingBytes + bytes > WAITING_BYTES) return unavailable('full')
    this.waitingBytes += bytes
    // As a read of a file does, a call keeps the process alive.
    if (serving.calls++ === 0) serving.thread.ref()
    const value: TimedCall = { call: call as StoreCall, at: clock.wall() }
    const begun = clock.now()
    const answer = await serving.asker.ask<StoreAnswer<K>>(STORE, { name: STORE_CALL, value }, deadlineMs).answer
    this.waitingBytes -= bytes
    if (--serving.calls === 0 && !this.closed) serving.thread.unref()
    if (isUnavailable(answer) && answer.unavailable === 'deadline' && this.heardAt < begun) this.stall(serving)
    return answer
  }

  /** What was asked before is answered, and all that was acknowledged is in the file; then its thread ends. */
  async close(): Promise<void> {
    this.closed = true
    this.options.clock.cancel(this.restart)
    const { thread } = this
    if (thread !== undefined) {
      const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
      thread.ref()
      thread.postMessage({ type: 'close' } satisfies ToStoreThread)
      await within(this.options.clock, CLOSE_MS, ended, () => thread.terminate())
    }
    this.timers.close()
  }

  /** Resolves with what is wrong, or when the file is served. */
  private async start(broken: boolean): Promise<NotOpened | undefined> {
    const { bytes, clock, entry, file } = this.options
    const start: StoreThreadStart = { file, bytes, broken, firstVersion: firstVersion(clock) }
    const thread = new Worker(entry, { name: 'store', workerData: start, env: threadEnv() })
    this.thread = thread
    const opening = Promise.withResolvers<NotOpened | undefined>()
    const failed = (message: string): void => opening.resolve({ refused: 'failed', message })
    const asker = this.askerOf(thread)
    thread.on('message', (message: FromStoreThread) => {
      this.heard()
      if (message.type === 'refused') opening.resolve(message.why)
      else if (message.type === 'opened') {
        // Open, it does not keep the process alive: calls do.
        thread.unref()
        this.opened(message)
        this.serving = { thread, asker, since: clock.now(), calls: 0 }
        opening.resolve(undefined)
      } else if (message.type === 'turn') thread.postMessage(message satisfies ToStoreThread)
      else this.told(message, asker)
    })
    let why = 'its thread ended'
    thread.on('error', (error: Error) => {
      why = `its thread ended: ${error.message}`
    })
    thread.on('exit', (code) => {
      if (this.thread === thread) this.thread = undefined
      asker.close()
      failed(why)
      if (this.serving?.thread === thread) this.died(why, code)
    })
    const late = (): NotOpened => {
      void thread.terminate()
      return { refused: 'failed', message: `it was not open within ${OPEN_MS / 1000} s` }
    }
    return within(clock, OPEN_MS, opening.promise, late)
  }

  private askerOf(thread: Worker): Asker {
    const { clock, log } = this.options
    return new Asker({
      post: (message) => thread.postMessage(message),
      bounds: STORE_LINK,
      clock,
      timers: this.timers,
      fault: (error) => log.error('bug: a call to the store could not be sent', { error }),
    })
  }

  private opened({ bytes, setAside }: Extract<FromStoreThread, { type: 'opened' }>): void {
    const { file, log } = this.options
    this.bytes = bytes
    if (setAside !== undefined)
      log.error('the store was broken: it begins again empty, the old file is set aside', { file, setAside })
  }

  private told(message: FromStoreThread, asker: Asker): void {
    if (message.type === 'answer' || message.type === 'no-answer') asker.receive(message)
    else if (message.type === 'bytes') this.bytes = message.bytes
    else if (message.type === 'fault') this.fault(message.message)
  }

  private heard(): void {
    this.heardAt = this.options.clock.now()
    if (!this.isStalled) return
    this.isStalled = false
    this.options.log.info('the store answers again', { file: this.options.file })
  }

  private stall(serving: Serving): void {
    if (this.isStalled || this.serving !== serving) return
    this.isStalled = true
    const { deadlineMs, file, log } = this.options
    log.error('the store does not answer: its disk may stand still', { file, waitedMs: deadlineMs })
  }

  private fault(message: string): void {
    const { clock, file, log } = this.options
    const now = clock.now()
    if (now < this.faultsDue) return
    this.faultsDue = now + FAULTS_MS
    log.error('a call to the store failed', { file, error: message })
  }

  private died(why: string, code: number): void {
    const { clock, file, log } = this.options
    const lived = clock.now() - (this.serving?.since ?? 0)
    this.serving = undefined
    this.isStalled = false
    if (this.closed) return
    const nextAttemptMs = this.delay.next(lived)
    log.error('the store is down', { file, why, nextAttemptMs })
    this.again(code === EXIT_BROKEN, nextAttemptMs)
  }

  private again(broken: boolean, afterMs: number): void {
    const { clock, file, log } = this.options
    this.restart = clock.after(afterMs, async () => {
      const refused = await this.start(broken)
      if (this.closed) return
      if (refused === undefined) {
        log.info('the store is up again', { file })
        return
      }
      const nextAttemptMs = this.delay.next(0)
      log.error('the store cannot be opened', { file, why: refused.message, nextAttemptMs })
      // Not as broken once more: it may be a new one by now.
      this.again(false, nextAttemptMs)
    })
  }
}
