import { type UnavailableReason, unavailable } from '../../src/core/link.ts'
import type { Store } from '../../src/core/store.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { StoreClient } from '../../src/stores/calls/client.ts'
import { Hints } from '../../src/stores/calls/hints.ts'
import { MemoryStore } from '../../src/stores/memory/memory-store.ts'
import { ManualClock } from './clock.ts'

/** A store that a test makes fail, or wait. What is in it outlives its users. */
export class TestStore {
  /** Why every call fails; undefined: none does. */
  down: UnavailableReason | undefined = undefined
  /** Calls that change something. */
  writes = 0
  /** Calls that change something fail after so many. */
  most: number = Number.POSITIVE_INFINITY
  readonly store: Store
  private held: (() => void)[] | undefined = undefined

  constructor(clock: Clock = new ManualClock()) {
    const memory = new MemoryStore({ bytes: 256 * 1_048_576, clock })
    this.store = new StoreClient(
      async (call) => {
        const writes = call.call === 'put' || call.call === 'delete'
        if (writes && ++this.writes > this.most) return unavailable('gone')
        if (this.held !== undefined) await new Promise<void>((resolve) => this.held?.push(resolve))
        return this.down === undefined ? memory.send(call) : unavailable(this.down)
      },
      new Hints(() => {}),
      '',
    )
  }

  /** Calls wait from now on, until {@link release}. */
  hold(): void {
    this.held ??= []
  }

  release(): void {
    const held = this.held ?? []
    this.held = undefined
    for (const go of held) go()
  }

  async keys(prefix = ''): Promise<string[]> {
    const keys: string[] = []
    let after: string | undefined
    do {
      const page = await this.store.scan(prefix, { limit: 1000, ...(after !== undefined && { after }) })
      if (!('entries' in page)) throw new Error(page.unavailable)
      keys.push(...page.entries.map(({ key }) => key))
      after = page.after
    } while (after !== undefined)
    return keys
  }
}
