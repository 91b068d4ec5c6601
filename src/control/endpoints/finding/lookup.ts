import { lookup, Resolver } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import type { Lookup } from '../../../core/endpoint-source.ts'

/** The system's resolver works on libuv's four threads; half of them stay free for files. */
export const SYSTEM_CONCURRENT = 2
export const SERVER_CONCURRENT = 32

const QUERY_MS = 1_500
const ATTEMPTS = 2

/** The system's resolver, hosts file included. Ask it for {@link SYSTEM_CONCURRENT} names at a time. */
export const systemLookup: Lookup = async (name) => {
  const addresses = (await lookup(name, { all: true, order: 'verbatim' })).map(({ address }) => address)
  return { v4: addresses.filter((address) => !isIPv6(address)), v6: addresses.filter(isIPv6) }
}

/** Asks these name servers (`address:port`) for A and AAAA records. */
export function serverLookup(servers: readonly string[]): Lookup {
  const resolver = new Resolver({ timeout: QUERY_MS, tries: ATTEMPTS })
  resolver.setServers(servers)
  return async (name) => {
    // RFC 6761: such names are never sent to a name server.
    if (name === 'localhost' || name.endsWith('.localhost')) return { v4: ['127.0.0.1'], v6: [] }
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    if (v4.status === 'rejected' && v6.status === 'rejected') throw v4.reason
    return { v4: family(v4), v6: family(v6) }
  }
}

/** "There are none" is an answer, "the server failed" is not. */
function family(result: PromiseSettledResult<string[]>): readonly string[] | undefined {
  if (result.status === 'fulfilled') return result.value
  const { code } = result.reason as NodeJS.ErrnoException
  return code === 'ENODATA' || code === 'ENOTFOUND' ? [] : undefined
}
