import type { EndpointConfig } from '../../../core/config.ts'
import { distinct, type FoundEndpoint, type Lookup } from '../../../core/endpoint-source.ts'
import { isHostName } from '../../../lib/address.ts'
import { Slots } from '../../../lib/slots.ts'

/**
 * Resolves the hosts of endpoints that a source names. A host that cannot be resolved, or has no addresses, keeps the last
 * known ones as long as the source names it.
 */
export class HostAddresses {
  private readonly lookup: Lookup
  private known: ReadonlyMap<string, readonly string[]> = new Map()

  constructor(lookup: Lookup) {
    this.lookup = lookup
  }

  /** The endpoints that have addresses. */
  async of(configs: readonly EndpointConfig[]): Promise<readonly FoundEndpoint[]> {
    const hosts = [...new Set(configs.map(({ host }) => host))]
    const answers = await Promise.all(hosts.map(async (host) => [host, await this.addresses(host)] as const))
    const now = new Map(answers)
    this.known = now
    return configs
      .map((config) => ({ config, addresses: now.get(config.host) ?? [] }))
      .filter(({ addresses }) => addresses.length > 0)
  }

  private async addresses(host: string): Promise<readonly string[]> {
    if (!isHostName(host)) return [host]
    const last = this.known.get(host) ?? []
    try {
      const { v4 = [], v6 = [] } = await this.lookup(host)
      const addresses = distinct([...v4, ...v6])
      return addresses.length > 0 ? addresses : last
    } catch {
      return last
    }
  }
}

/** At most `most` look-ups at a time; the others wait in order. A place is taken until the resolver is done. */
export function bounded(lookup: Lookup, most: number): Lookup {
  const slots = new Slots(most)
  return async (name) => {
    await new Promise<void>((begin) => slots.take(begin))
    try {
      return await lookup(name)
    } finally {
      slots.give()
    }
  }
}
