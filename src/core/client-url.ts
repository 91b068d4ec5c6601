import { hostOf } from '../lib/authority.ts'
import type { Exchange } from './exchange.ts'

/** The host that the client asked for, which a trusted peer may have replaced. */
export function clientHost(ex: Exchange): string {
  const forwarded = told(ex, 'x-forwarded-host')
  return (forwarded === undefined ? undefined : hostOf(forwarded)) ?? ex.downstream.host
}

/** The scheme of the URL that the client asked for: `http` or `https`; a trusted peer may have ended TLS. */
export function clientScheme(ex: Exchange): 'http' | 'https' {
  const forwarded = told(ex, 'x-forwarded-proto')?.toLowerCase()
  if (forwarded === 'http' || forwarded === 'https') return forwarded
  return ex.downstream.peer.secure ? 'https' : 'http'
}

/**
 * What a trusted peer says of the client's URL: of several lines the last one, the peer's own; of a list the first, the
 * client's.
 */
function told(ex: Exchange, name: string): string | undefined {
  const { headers, trusted } = ex
  for (let i = headers.length - 2; trusted && i >= 0; i -= 2) {
    if ((headers[i] as string).toLowerCase() === name) return (headers[i + 1] as string).split(',')[0]?.trim()
  }
  return undefined
}
