import type { Clock, ClockHandle } from '../../lib/clock.ts'

const LOOK_MS = 250

export interface RecoveryOptions {
  readonly clock: Clock
  /** Each upstream, and whether it has a usable endpoint now. */
  readonly upstreams: () => Iterable<readonly [upstream: string, usable: boolean]>
  readonly recovered: (upstream: string, seconds: number) => void
}

/**
 * How long upstreams are down: from the loss of the last usable endpoint, whatever made it unusable, to the first usable
 * one. Looks every 250 ms, and when told to. An upstream that was never up has nothing to recover.
 */
export class RecoveryWatch {
  private readonly options: RecoveryOptions
  /** Since when it has been down; undefined: it is up. */
  private state = new Map<string, number | undefined>()
  private timer: ClockHandle

  constructor(options: RecoveryOptions) {
    this.options = options
    this.timer = this.again()
  }

  /** Something may have changed. */
  look(): void {
    const { clock, recovered, upstreams } = this.options
    const now = clock.now()
    const before = this.state
    this.state = new Map()
    for (const [upstream, usable] of upstreams()) {
      if (!usable && !before.has(upstream)) continue
      const downSince = before.get(upstream)
      if (usable && downSince !== undefined) recovered(upstream, (now - downSince) / 1000)
      this.state.set(upstream, usable ? undefined : (downSince ?? now))
    }
  }

  close(): void {
    this.options.clock.cancel(this.timer)
  }

  private again(): ClockHandle {
    return this.options.clock.after(LOOK_MS, () => {
      this.look()
      this.timer = this.again()
    })
  }
}
