import { isIPv6 } from 'node:net'
import { distinct, type FoundAddresses, type Lookup } from '../../../core/endpoint-source.ts'
import type { Clock, ClockHandle } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { Slots } from '../../../lib/slots.ts'
import { CallGuard } from '../../../stores/guard.ts'
import { inTime } from './in-time.ts'

export interface DnsOptions {
  readonly lookup: Lookup
  /** Names asked for at once. */
  readonly concurrent: number
  /** Milliseconds between two queries for a name. */
  readonly every: number
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
  /** A name stands for other addresses than before. */
  readonly onChange: (name: string) => void
}

/** The state of one name. */
interface Name {
  readonly name: string
  /** Undefined: it failed, or the name is no longer watched. */
  readonly guard: CallGuard<FoundAddresses | undefined>
  addresses: readonly string[]
  timer: ClockHandle
  failing: boolean
}

/**
 * Keeps the addresses of names up to date. A failed or empty answer changes nothing: the last known addresses stay, since
 * upstreams outlive their name servers more often than the other way round.
 */
export class DnsDiscovery {
  private readonly options: DnsOptions
  private readonly names = new Map<string, Name>()
  private readonly slots: Slots

  constructor(options: DnsOptions) {
    this.options = options
    this.slots = new Slots(options.concurrent)
  }

  /** Watches these names and no others. Resolves when each new one was looked up once, with whatever result. */
  async watch(names: ReadonlySet<string>): Promise<void> {
    for (const known of this.names.values()) if (!names.has(known.name)) this.forget(known)
    const first: Promise<void>[] = []
    for (const name of names) {
      if (this.names.has(name)) continue
      const entry = this.entry(name)
      this.names.set(name, entry)
      first.push(this.refresh(entry))
    }
    await Promise.all(first)
  }

  /** Latest known addresses, sorted; none when it was never resolved. */
  addresses(name: string): readonly string[] {
    return this.names.get(name)?.addresses ?? []
  }

  close(): void {
    for (const known of this.names.values()) this.forget(known)
  }

  private entry(name: string): Name {
    const { every } = this.options
    const guard = new CallGuard<FoundAddresses | undefined>({
      call: () => this.query(entry),
      window: 10 * every,
      openFor: 2 * every,
      onFailure: ({ message }) => this.fail(entry, message),
    })
    const entry: Name = { name, guard, addresses: [], timer: undefined, failing: false }
    return entry
  }

  private forget(entry: Name): void {
    entry.guard.close()
    this.options.clock.cancel(entry.timer)
    this.names.delete(entry.name)
  }

  private async refresh(entry: Name): Promise<void> {
    const { clock, every } = this.options
    // A guard that was closed meanwhile rejects.
    const found = await entry.guard.run(undefined).catch(() => undefined)
    if (this.names.get(entry.name) !== entry) return
    if (found !== undefined) this.take(entry, found)
    entry.timer = clock.after(every, () => void this.refresh(entry))
  }

  /** Undefined: the name is no longer watched. A place is taken until the resolver is done, deadline or not. */
  private async query(entry: Name): Promise<FoundAddresses | undefined> {
    const { clock, lookup } = this.options
    await new Promise<void>((begin) => this.slots.take(begin))
    if (this.names.get(entry.name) !== entry) {
      this.slots.give()
      return undefined
    }
    const answer = lookup(entry.name)
    answer.then(
      () => this.slots.give(),
      () => this.slots.give(),
    )
    return inTime(clock, answer)
  }

  private take(entry: Name, { v4, v6 }: FoundAddresses): void {
    const { log, onChange } = this.options
    const known4 = entry.addresses.filter((address) => !isIPv6(address))
    const known6 = entry.addresses.filter(isIPv6)
    const addresses = distinct([...(v4 ?? known4), ...(v6 ?? known6)])
    if (addresses.length === 0) {
      this.fail(entry, 'no addresses')
      return
    }
    if (entry.failing) log.info('a name resolves again', { name: entry.name })
    entry.failing = false
    if (addresses.join() === entry.addresses.join()) return
    entry.addresses = addresses
    onChange(entry.name)
  }

  private fail(entry: Name, reason: string): void {
    if (entry.failing || this.names.get(entry.name) !== entry) return
    entry.failing = true
    const { log } = this.options
    log.warn('a name does not resolve, its last addresses stay', { name: entry.name, reason, known: entry.addresses })
  }
}
