import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { within } from '../../lib/within.ts'
import type { DrainState } from '../contract.ts'

/** Signals sooner than this after the first one are its echo (npm passes Ctrl-C on a second time). */
const ECHO_MS = 1_000
/** Time for exchanges that were cut to tell their clients and to be logged, milliseconds. */
const AFTER_CUT_MS = 1_000

/** `close`: the program around it asks for it. Only `sigterm` waits for `drain.delay`. */
export type DrainKind = 'sigterm' | 'sigint' | 'close'

export interface DrainOptions {
  /** Milliseconds, of the live config. */
  readonly times: () => { readonly delay: number; readonly timeout: number }
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
  /** Answers say `Connection: close` from now on. */
  readonly polite: () => void
  /** Closes the listeners; resolves when nothing is in flight, for which there are `ms`. */
  readonly unlisten: (ms: number) => Promise<void>
  /** Ends what is in flight. */
  readonly cut: () => void
  /** Ends everything else. */
  readonly close: () => Promise<void>
}

/** Shutdown: not ready and polite for `delay`, then no new connections and `timeout` to finish, then the end. */
export class Drain {
  private readonly options: DrainOptions
  private current: DrainState = 'serving'
  private begunAt = 0
  private running: Promise<number> | undefined = undefined

  constructor(options: DrainOptions) {
    this.options = options
  }

  get state(): DrainState {
    return this.current
  }

  /** Resolves with the exit code: 0 after the drain, 1 at once for a second signal at least 1 s after the first. */
  signal(kind: DrainKind): Promise<number> {
    const { clock } = this.options
    if (this.running === undefined) {
      this.begunAt = clock.now()
      this.running = this.run(kind)
      return this.running
    }
    return clock.now() - this.begunAt >= ECHO_MS ? Promise.resolve(1) : this.running
  }

  private async run(kind: DrainKind): Promise<number> {
    const { clock, log, polite, unlisten, cut, close } = this.options
    const { delay, timeout } = this.options.times()
    this.current = 'draining'
    log.info('draining', { signal: kind, delay_ms: kind === 'sigterm' ? delay : 0, timeout_ms: timeout })
    polite()
    if (kind === 'sigterm' && delay > 0) await new Promise<void>((resolve) => clock.after(delay, resolve))
    this.current = 'leaving'
    const idle = unlisten(timeout).then(() => true)
    const isDone = (ms: number): Promise<boolean> => within(clock, ms, idle, () => false)
    if (!(await isDone(timeout))) {
      this.current = 'cut'
      log.warn('requests were cut at the end of the drain', { timeout_ms: timeout })
      cut()
      await isDone(AFTER_CUT_MS)
    }
    await close()
    this.current = 'done'
    log.info('drained')
    return 0
  }
}
