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
  const close = (): void => {
    db.close()
    port.close()
  }
  port.on('message', (message) => {
    if (message.type === 'turn') batches.goOn()
    else if (message.type === 'close') batches.end(close)
    else answerer.receive(message)
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
 * waits for nothing. Where answers are large, the next ones wait until the asker has taken them.
 */
class Batches {
  private readonly options: BatchesOptions
  private waiting: WaitingCall[] = []
  /** The asker has answers to take. */
  private isHeld = false
  private idle: ClockHandle = undefined
  private bytes: number
  private sizeDue = 0

  constructor(options: BatchesOptions) {
    this.options = options
    this.bytes = options.engine.bytes
  }

  take({ at, call }: TimedCall): Promise<EngineAnswer> {
    // After all messages that are there by now.
    if (this.waiting.length === 0) setImmediate(() => this.isHeld || this.write())
    return new Promise((resolve) => this.waiting.push({ at, call, resolve }))
  }

  /** Writes what waits, and calls `last` when the answers are on their way. */
  end(last: () => void): void {
    while (this.waiting.length > 0 && this.write()) {}
    this.options.clock.cancel(this.idle)
    setImmediate(() => this.orEnd(last))
  }

  goOn(): void {
    this.isHeld = false
    this.write()
  }

  /** False: the thread ends. */
  private write(): boolean {
    const { clock, engine, port } = this.options
    if (this.waiting.length === 0) return true
    const isWell = this.orEnd(() => {
      const answers = engine.answer(this.waiting)
      for (const [i, { resolve }] of this.waiting.splice(0, answers.length).entries()) resolve(answers[i])
    })
    if (!isWell) return false
    if (this.waiting.length > 0 && !this.isHeld) {
      this.isHeld = true
      // Behind the answers, which are sent in the microtasks of now.
      setImmediate(() => port.postMessage({ type: 'turn' }))
    }
    if (clock.now() >= this.sizeDue) this.tellSize()
    clock.cancel(this.idle)
    this.idle = clock.after(IDLE_MS, () => this.orEnd(() => this.tidy()))
    return true
  }

  /** Without room for it the log stays as it is. */
  private tidy(): void {
    try {
      this.options.engine.tidy()
    } catch (error) {
      if (isBroken(error)) throw error
      this.options.fault(error)
    }
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
