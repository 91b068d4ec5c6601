import type { FoundEndpoint, Look } from '../../../core/endpoint-source.ts'
import type { Clock, ClockHandle } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { CallGuard } from '../../../stores/guard.ts'
import { inTime } from './in-time.ts'

export interface SourceOptions {
  readonly look: Look
  /** Milliseconds between two looks. */
  readonly every: number
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly upstream: string
  /** What is asked, for operators. */
  readonly from: string
  readonly onChange: () => void
  /** A look has ended. */
  readonly looked: (ok: boolean) => void
}

/** Changes that are noticed sooner than this after a look wait. */
const GAP_MS = 1_000
/** Writers need a moment between the first and the last byte. */
const SETTLE_MS = 50

/** The endpoints of one upstream, looked up periodically. A look that fails or finds nothing keeps the last known ones. */
export class UpstreamSource {
  found: readonly FoundEndpoint[] = []
  private readonly options: SourceOptions
  private readonly guard: CallGuard<readonly FoundEndpoint[]>
  private timer: ClockHandle = undefined
  private looking = false
  private again = false
  /** The latest call itself, deadline or not. */
  private pending = false
  private failing = false
  private closed = false
  private lookedAt = Number.NEGATIVE_INFINITY

  constructor(options: SourceOptions) {
    this.options = options
    this.guard = new CallGuard({
      call: () => this.bounded(),
      window: 10 * options.every,
      openFor: 2 * options.every,
      onFailure: (error) => this.fail(error.message),
    })
  }

  /** Looks; resolves when that has ended, however it went. */
  async refresh(): Promise<void> {
    const { clock, every, looked, onChange } = this.options
    clock.cancel(this.timer)
    this.looking = true
    this.lookedAt = clock.now()
    const before = this.found
    const found = await this.guard.run(before).catch(() => before)
    this.looking = false
    if (this.closed) return
    this.timer = clock.after(every, () => void this.refresh())
    if (this.again) this.hint()
    looked(found !== before)
    if (found === before) return
    this.succeed()
    this.found = found
    if (JSON.stringify(found) !== JSON.stringify(before)) onChange()
  }

  /** Something has probably changed: looks soon. */
  hint(): void {
    const { clock } = this.options
    if (this.closed) return
    this.guard.forget()
    this.again = this.looking
    if (this.looking) return
    clock.cancel(this.timer)
    const wait = Math.max(SETTLE_MS, this.lookedAt + GAP_MS - clock.now())
    this.timer = clock.after(wait, () => void this.refresh())
  }

  close(): void {
    this.closed = true
    this.options.clock.cancel(this.timer)
    this.guard.close()
  }

  private async bounded(): Promise<readonly FoundEndpoint[]> {
    const { clock, look } = this.options
    if (this.pending) throw new Error('the last look has not ended yet')
    this.pending = true
    const answer = look().finally(() => {
      this.pending = false
    })
    return inTime(clock, answer)
  }

  private succeed(): void {
    const { from, log, upstream } = this.options
    if (this.failing) log.info('endpoints are discovered again', { upstream, from })
    this.failing = false
  }

  private fail(reason: string): void {
    if (this.failing || this.closed) return
    this.failing = true
    const { from, log, upstream } = this.options
    log.warn('endpoints cannot be discovered, the last known ones stay', {
      upstream,
      from,
      reason,
      known: this.found.length,
    })
  }
}
