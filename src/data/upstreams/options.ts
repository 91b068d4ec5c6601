import { isIP } from 'node:net'
import { lifeKeys } from '../../http/schemas.ts'
import { unixPath, unixProblem } from '../../lib/address.ts'
import { byKind, list, mapped, object, optional, required, withDefault } from '../../schema/composites.ts'
import { type FileText, pemFile } from '../../schema/mark.ts'
import { boolean, duration, integer, name, oneOf, type Problem, parsed, text } from '../../schema/scalars.ts'
import type { Schema } from '../../schema/schema.ts'

/** Where an endpoint URL leads. */
export interface EndpointUrl {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
}

/** A file that is read with the config. */
const pem = (what: string): Schema<FileText> =>
  mapped(
    object({ file: required(pemFile(), `File with ${what} (PEM), relative to the config file.`) }),
    ({ file }) => file,
    '{ file: PATH }',
  )

/** An endpoint URL: scheme, host and port, nothing else; or the path of a socket, over which plain HTTP is spoken. */
export function endpointUrl(): Schema<EndpointUrl> {
  const url = parsed(
    'an endpoint URL such as http://10.0.0.1:8080 or https://orders.internal, or unix:/run/app.sock',
    (value): EndpointUrl | Problem => {
      if (unixPath(value) !== undefined) {
        const problem = unixProblem(value)
        return problem === undefined ? { scheme: 'http', host: value, port: 0 } : { problem }
      }
      if (value.includes('@')) return { problem: 'it must not contain credentials', hidden: true }
      if (!/^https?:\/\//i.test(value)) return { problem: schemeHint(value) }
      const match = /^(https?):\/\/(\[[^\]]*\]|[^/?#:]*)(?::(\d*))?(.*)$/is.exec(value)
      const [, scheme = '', name = '', digits, rest = ''] = match ?? []
      if (/^(:|[^/?#\s])/.test(rest))
        return { problem: 'the port must be a number, and an IPv6 address must stand in [ ]' }
      if (/\s/.test(rest)) return { problem: 'it must not contain spaces' }
      if (rest !== '' && rest !== '/') return { problem: 'it must end after the port; set paths in rewrite' }
      const host = endpointHost(name)
      if (typeof host !== 'string') return host
      const secure = scheme.toLowerCase() === 'https'
      const port = digits === undefined ? (secure ? 443 : 80) : Number(digits)
      if (digits === '' || port < 1 || port > 65_535) return { problem: 'ports go from 1 to 65535' }
      return { scheme: secure ? 'https' : 'http', host, port }
    },
  )
  return { ...url, mark: { is: 'address' } }
}

function schemeHint(value: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return 'the scheme must be http or https'
  return /^[a-z0-9_][a-z0-9_.-]*(:\d+)?$/i.test(value) && !/^\d+$/.test(value) ? `write http://${value}` : ''
}

const NAME = /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/

/** A name or address, without brackets and without the root's dot. */
function endpointHost(written: string): string | Problem {
  if (written.startsWith('[')) {
    const address = written.slice(1, -1)
    return isIP(address) === 6 ? address.toLowerCase() : { problem: `${written} is not an IPv6 address` }
  }
  const host = written.toLowerCase().replace(/\.$/, '')
  if (isIP(host) === 4) return host
  // A host that ends in a number is an address to all who read URLs: 127.1, 0x7f000001, 256.1.1.1.
  if (/(^|\.)(\d+|0x[0-9a-f]*)$/.test(host)) return { problem: 'an IPv4 address has four numbers from 0 to 255' }
  return NAME.test(host) && host.length <= 253 ? host : { problem: `${JSON.stringify(written)} is not a host name` }
}

const endpointFields = object({
  url: required(
    endpointUrl(),
    'Scheme, host and port of the endpoint, or unix: and the path of a socket. A name stands for all of its addresses.',
  ),
  weight: withDefault(
    integer(1, 1000),
    1,
    'Share of the requests, relative to the weights of the other endpoints of the tier.',
  ),
  tier: withDefault(
    integer(0, 15),
    0,
    'Tier of the endpoint: it is used only when no endpoint of a lower tier can be used.',
  ),
  zone: optional(name(), 'Zone in which the endpoint runs; see loadBalancing.zone.'),
  maxConcurrent: optional(
    integer(1, 1_000_000),
    'Maximum requests in flight to each address, across all workers. When all endpoints have reached theirs, requests get 503 pool_full. Default: unlimited.',
  ),
})

const endpoint = byKind({
  scalar: mapped(endpointUrl(), (url) => ({
    url,
    weight: 1,
    tier: 0,
    zone: undefined as string | undefined,
    maxConcurrent: undefined as number | undefined,
  })),
  map: endpointFields,
})

/** Endpoints one after another; what a discovery file holds, too. */
export const endpointList = list(endpoint, 1)

/** Keys of an upstream. */
export const upstreamKeys = object(
  {
    endpoints: required(endpointList, 'Addresses at which the service runs.'),
    protocol: withDefault(oneOf('auto', 'http1'), 'auto', 'Protocol towards the endpoints: HTTP/1.1 in this version.'),
    tls: withDefault(
      object({
        ca: optional(
          pem('certificates to trust instead of the system’s'),
          'Certificate authorities to trust. Default: those of the system.',
        ),
        cert: optional(pem('our certificate chain'), 'Client certificate that Sluice presents.'),
        key: optional(pem('the key of our certificate'), 'Private key of the client certificate.'),
        serverName: optional(
          text('a host name'),
          'Name for SNI and for the check of the certificate. Default: the endpoint’s host.',
        ),
        verify: withDefault(boolean(), true, 'Check the certificate. Switch it off for tests only.'),
      }),
      {},
      'TLS settings for https endpoints.',
    ),
    loadBalancing: withDefault(object({}), {}, 'Which endpoint gets the next attempt.'),
    connections: withDefault(
      object({
        max: withDefault(integer(1, 100_000), 1024, 'Maximum open connections to each endpoint, across all workers.'),
        maxWaiting: withDefault(
          integer(0, 100_000),
          64,
          'Maximum requests that wait for a connection, per endpoint and worker. Further requests go to another endpoint or get 503 pool_full.',
        ),
        keepAlive: withDefault(
          duration(100, 3_600_000),
          '4s',
          'Time after which an idle connection is closed. Keep it below the upstream’s own limit.',
        ),
        ...lifeKeys(
          'Age at which a connection gets no further request, so that load follows to new servers behind one address.',
          'Requests after which a connection is closed.',
        ),
      }),
      {},
      'Pool of connections to each endpoint. Each one’s maxAge and maxRequests are up to 10 % lower, so that connections do not end together.',
    ),
    timeouts: withDefault(
      object(
        { connect: withDefault(duration(1, 600_000), '2s', 'Longest time to connect, TCP and TLS together.') },
        { misplaced: { request: 'routes.NAME.timeouts.request', attempt: 'routes.NAME.timeouts.attempt' } },
      ),
      {},
      'Timeouts that belong to the upstream.',
    ),
  },
  {
    misplaced: {
      url: 'endpoints',
      urls: 'endpoints',
      servers: 'endpoints',
      hosts: 'endpoints',
      zones: 'loadBalancing.zone',
    },
  },
)
