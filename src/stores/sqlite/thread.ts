import type { Answer } from '../../core/link.ts'
import type { Clock, ClockHandle } from '../../lib/clock.ts'
import { Answerer } from '../../link/answerer.ts'
import { isBroken, openDatabase } from './database.ts'
import {
  EXIT_BROKEN,
  EXIT_FAILED,
  type FromStoreThread,
  STORE_CALL,
  STORE_LINK,
  type StoreThreadStart,
  type TimedCall,
  type ToStoreThread,
} from './messages.ts'
import { type EngineAnswer, SqliteEngine } from './sqlite-engine.ts'

/** Milliseconds without a call, after which the log is moved into the file. */
const IDLE_MS = 1000
/** Of clock time between two looks at the size of the file. */
const SIZE_MS = 1000

/** Of a `MessagePort` what the thread needs. */
export interface StorePort {
  postMessage(message: FromStoreThread): void
  on(event: 'message', receive: (message: ToStoreThread) => void): unknown
  close(): void
}

interface WaitingCall extends TimedCall {
  readonly resolve: (answer: EngineAnswer) => void
}

/** Opens the file, says so or why not, and serves it. `exit` ends the thread. */
export function serveStore(start: StoreThreadStart, port: StorePort, clock: Clock, exit: (code: number) => void): void {
  const opened = openDatabase(start)
  if ('refused' in opened) {
    port.postMessage({ type: 'refused', why: opened })
    port.close()
    return
  }
  const { db, setAside } = opened
  const fault = (error: unknown): void => port.postMessage({ type: 'fault', message: String(error) })
  const engine = new SqliteEngine({ db, firstVersion: start.firstVersion, fault })
  const batches = new Batches({ engine, port, clock, fault, exit })
  const answer: Answer<TimedCall, EngineAnswer> = (call) => batches.take(call)
  const answerer = new Answerer({
    post: (message) => port.postMessage(message),
    find: (_to, name) => (name === STORE_CALL ? (answer as Answer) : undefined),
    bounds: STORE_LINK,
    clock,
    fault,
  })
  port.on('message', (message) => {
    if (message.type !== 'close') answerer.receive(message)
    else
      batches.end(() => {
        db.close()
        port.close()
      })
  })
  port.postMessage({ type: 'opened', bytes: engine.bytes, setAside })
}

interface BatchesOptions {
  readonly engine: SqliteEngine
  readonly port: StorePort
  readonly clock: Clock
  readonly fault: (error: unknown) => void
  readonly exit: (code: number) => void
}

/**
 * Calls that come while a batch is being written are the next batch: it grows with the load by itself, and a single call
 * waits for nothing.
 */
class Batches {
  private readonly options: BatchesOptions
  private waiting: WaitingCall[] = []
  private idle: ClockHandle = undefined
  private bytes: number
  private sizeDue = 0

  constructor(options: BatchesOptions) {
    this.options = options
    this.bytes = options.engine.bytes
  }

  take({ at, call }: TimedCall): Promise<EngineAnswer> {
    // After all messages that are there by now.
    if (this.waiting.length === 0) setImmediate(() => this.write())
    return new Promise((resolve) => this.waiting.push({ at, call, resolve }))
  }

  /** Writes what waits, and calls `last` when the answers are on their way. */
  end(last: () => void): void {
    this.write()
    this.options.clock.cancel(this.idle)
    setImmediate(() => this.orEnd(last))
  }

  private write(): void {
    const { clock, engine } = this.options
    const batch = this.waiting
    if (batch.length === 0) return
    this.waiting = []
    const isWell = this.orEnd(() => {
      const answers = engine.answer(batch)
      for (const [i, { resolve }] of batch.entries()) resolve(answers[i])
    })
    if (!isWell) return
    if (clock.now() >= this.sizeDue) this.tellSize()
    clock.cancel(this.idle)
    this.idle = clock.after(IDLE_MS, () => this.orEnd(() => this.tidy()))
  }

  private tidy(): void {
    this.options.engine.tidy()
    this.tellSize()
  }

  private tellSize(): void {
    const { clock, engine, port } = this.options
    this.sizeDue = clock.now() + SIZE_MS
    const { bytes } = engine
    if (bytes === this.bytes) return
    this.bytes = bytes
    port.postMessage({ type: 'bytes', bytes })
  }

  /** What cannot be done is told, and ends the thread: its owner starts another one, and all that waits fails at once. */
  private orEnd(work: () => void): boolean {
    const { exit, fault } = this.options
    try {
      work()
      return true
    } catch (error) {
      fault(error)
      exit(isBroken(error) ? EXIT_BROKEN : EXIT_FAILED)
      return false
    }
  }
}
