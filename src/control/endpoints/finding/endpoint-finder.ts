import type { Config } from '../../../config/language/config.ts'
import type { UpstreamConfig } from '../../../core/config.ts'
import type { Find, FoundEndpoint } from '../../../core/endpoint-source.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { within } from '../../../lib/within.ts'
import { namesIn } from './addresses.ts'
import { DnsDiscovery } from './dns.ts'
import { SERVER_CONCURRENT, SYSTEM_CONCURRENT, serverLookup, systemLookup } from './lookup.ts'
import { bounded } from './names.ts'
import { Sources } from './sources.ts'

/** Names that do not resolve delay the start by at most this time. */
const FIRST_NAMES_MS = 6_000

export interface EndpointFinderOptions {
  readonly config: Pick<Config, 'dns' | 'folder'>
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
  /** A name stands for other addresses than before. */
  readonly renamed: (name: string) => void
  /** An upstream has other endpoints than before. */
  readonly rediscovered: (upstream: string) => void
  /** See `EndpointsOptions`. */
  readonly sources: () => Readonly<Record<string, Find>>
}

/** Finds the endpoints of upstreams: the addresses of the names in the config, and the results of sources. */
export class EndpointFinder {
  private readonly clock: Clock
  private readonly dns: DnsDiscovery
  private readonly sources: Sources

  constructor({ clock, config, log, rediscovered, renamed, sources }: EndpointFinderOptions) {
    const { every, servers } = config.dns
    const lookup = servers === undefined ? systemLookup : serverLookup(servers)
    const concurrent = servers === undefined ? SYSTEM_CONCURRENT : SERVER_CONCURRENT
    this.clock = clock
    this.dns = new DnsDiscovery({ lookup, concurrent, every, clock, log, onChange: renamed })
    this.sources = new Sources({
      folder: config.folder,
      lookup: bounded(lookup, servers === undefined ? 1 : concurrent),
      servers,
      clock,
      log,
      onChange: rediscovered,
      kinds: sources,
    })
  }

  /** Watches the endpoints of these upstreams and no others; resolves when all are known, or it takes too long. */
  async watch(upstreams: readonly UpstreamConfig[]): Promise<void> {
    const known = Promise.all([this.dns.watch(namesIn(upstreams)), this.sources.watch(upstreams)])
    await within(this.clock, FIRST_NAMES_MS, known, () => {})
  }

  /** Latest known addresses of a name, sorted. */
  addresses(name: string): readonly string[] {
    return this.dns.addresses(name)
  }

  /** Latest known endpoints of an upstream that has a source. */
  found(upstream: UpstreamConfig): readonly FoundEndpoint[] {
    return this.sources.found(upstream)
  }

  close(): void {
    this.dns.close()
    this.sources.close()
  }
}
