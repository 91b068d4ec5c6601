import type { SrvRecord } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import type { EndpointConfig } from '../../../core/config.ts'
import {
  distinct,
  type FindContext,
  type Finder,
  type HostLook,
  type Look,
  type Lookup,
} from '../../../core/endpoint-source.ts'
import type { DnsSourceOptions } from '../dns.ts'

const MAX_RECORDS = 256
const MAX_WEIGHT = 1000
const MAX_TIER = 15

const QUERY_MS = 1_500
const ATTEMPTS = 2

/** SRV records of a name. Rejects when there are none. */
type SrvLookup = (name: string) => Promise<readonly SrvRecord[]>

export function findInDns(options: DnsSourceOptions, { hosts, lookup, servers }: FindContext): Finder {
  const look = options.type === 'srv' ? srvLook(options, srvLookup(servers), hosts) : addressLook(options, lookup)
  return { look, from: options.name }
}

/** Asks these name servers, or those of the system, for SRV records, which the system's resolver itself does not support. */
function srvLookup(servers: readonly string[] | undefined): SrvLookup {
  const resolver = new Resolver({ timeout: QUERY_MS, tries: ATTEMPTS })
  if (servers !== undefined) resolver.setServers(servers)
  return (name) => resolver.resolveSrv(name)
}

/** The addresses of a name, of one family. */
function addressLook({ name, port = 0, scheme, type }: DnsSourceOptions, lookup: Lookup): Look {
  const config: EndpointConfig = {
    scheme,
    host: name,
    port,
    weight: 1,
    tier: 0,
    zone: undefined,
    maxConcurrent: undefined,
  }
  return async () => {
    const { v4, v6 } = await lookup(name)
    const addresses = type === 'a' ? v4 : v6
    if (addresses === undefined) throw new Error('the name server failed')
    if (addresses.length === 0) throw new Error(`no ${type.toUpperCase()} records`)
    return [{ config, addresses: distinct(addresses) }]
  }
}

/** SRV records (RFC 2782): priorities become tiers, targets are resolved. */
export function srvLook({ name, scheme }: DnsSourceOptions, srv: SrvLookup, hosts: HostLook): Look {
  return async () => {
    // A target of "." says that there is no service.
    const records = (await srv(name)).filter((record) => record.name !== '' && record.name !== '.')
    if (records.length === 0) throw new Error('no SRV records')
    const found = await hosts(srvEndpoints(records.slice(0, MAX_RECORDS), scheme))
    if (found.length === 0) throw new Error('no target has an address')
    return found
  }
}

/** In an order that does not depend on the answer's. */
export function srvEndpoints(records: readonly SrvRecord[], scheme: 'http' | 'https'): EndpointConfig[] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b)
  const heaviest = Math.max(...records.map(({ weight }) => weight))
  const scale = heaviest > MAX_WEIGHT ? MAX_WEIGHT / heaviest : 1
  return records
    .map(({ name, port, priority, weight }) => ({
      scheme,
      host: name.toLowerCase().replace(/\.$/, ''),
      port,
      // 0 is "hardly ever" where others have more.
      weight: Math.max(1, Math.round(weight * scale)),
      tier: Math.min(MAX_TIER, priorities.indexOf(priority)),
      zone: undefined,
      maxConcurrent: undefined,
    }))
    .sort((a, b) => a.tier - b.tier || (a.host < b.host ? -1 : a.host > b.host ? 1 : a.port - b.port))
}
