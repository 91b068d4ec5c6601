import type { EndpointConfig, UpstreamConfig } from '../../../core/config.ts'
import type { FoundEndpoint } from '../../../core/endpoint-source.ts'
import { endpointText, isHostName } from '../../../lib/address.ts'

/** An address of an upstream, not yet with cells. */
export interface Located {
  readonly config: EndpointConfig
  readonly address: string
  /** `scheme://address:port`, IPv6 in brackets; or `unix:` and a path. */
  readonly id: string
  /** Name in SNI; empty for plain HTTP. */
  readonly sni: string
}

/** Names in endpoint URLs of these upstreams, each once. */
export function namesIn(upstreams: readonly UpstreamConfig[]): Set<string> {
  const names = new Set<string>()
  for (const { endpoints } of upstreams) for (const { host } of endpoints) if (isHostName(host)) names.add(host)
  return names
}

/**
 * All addresses of an upstream, in the order of its config. `addressesOf`: what a name resolves to now; `discovered`: what
 * its source has found. An address that several endpoints resolve to under the same name and port counts once.
 */
export function locate(
  upstream: UpstreamConfig,
  addressesOf: (name: string) => readonly string[],
  discovered: (upstream: UpstreamConfig) => readonly FoundEndpoint[],
): Located[] {
  const located = new Map<string, Located>()
  const found =
    upstream.source === undefined
      ? upstream.endpoints.map((config) => ({ config, addresses: written(config, addressesOf) }))
      : discovered(upstream)
  for (const { config, addresses } of found) {
    const { scheme, host, port } = config
    const sni = scheme === 'https' ? (upstream.tls.serverName ?? host) : ''
    for (const address of addresses) {
      const id = endpointText(scheme, address, port)
      const key = `${id} ${host}`
      if (!located.has(key)) located.set(key, { config, address, id, sni })
    }
  }
  return [...located.values()]
}

function written({ host }: EndpointConfig, addressesOf: (name: string) => readonly string[]): readonly string[] {
  return isHostName(host) ? addressesOf(host) : [host]
}
