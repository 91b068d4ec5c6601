import { byKind, list, mapped, object, offOr, optional, required, withDefault } from '../../schema/composites.ts'
import { boolean, duration, integer, name, oneOf, type Problem, parsed, text } from '../../schema/scalars.ts'
import { INVALID, type Infer, type Schema } from '../../schema/schema.ts'

/** Where an endpoint URL leads. */
export interface EndpointUrl {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
}

/** Key of files that are read with the config. */
const pem = (what: string): Schema<string> =>
  mapped(
    object({ file: required(text('a path'), `File with ${what} (PEM), relative to the config file.`) }),
    ({ file }) => file,
  )

/** An endpoint URL: scheme, host and port, nothing else. */
export function endpointUrl(): Schema<EndpointUrl> {
  return parsed(
    'an endpoint URL such as http://10.0.0.1:8080 or https://orders.internal',
    (value): EndpointUrl | Problem => {
      if (!/^https?:\/\//i.test(value))
        return { problem: /^[a-z]+:\/\//i.test(value) ? 'the scheme must be http or https' : `write http://${value}` }
      let url: URL
      try {
        url = new URL(value)
      } catch {
        return { problem: 'it is no URL' }
      }
      if (url.username !== '' || url.password !== '') return { problem: 'it must not hold credentials' }
      if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
        return { problem: 'it must end after the port; paths belong into rewrite' }
      const scheme = url.protocol === 'https:' ? 'https' : 'http'
      const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port)
      return port === 0
        ? { problem: 'port 0 leads nowhere' }
        : { scheme, host: url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, ''), port }
    },
  )
}

const endpointFields = object(
  {
    url: required(endpointUrl(), 'Scheme, host and port. A name stands for all of its addresses.'),
    weight: withDefault(integer(1, 1000), 1, 'Share of the requests, relative to the other endpoints of the tier.'),
    tier: withDefault(integer(0, 15), 0, 'Used only when no endpoint of a smaller tier can be used.'),
    zone: optional(name(), 'Where it runs; for logs and later for zone preference.'),
  },
  { later: ['maxConcurrent'] },
)

const endpoint = byKind({
  scalar: mapped(endpointUrl(), (url) => ({ url, weight: 1, tier: 0, zone: undefined as string | undefined })),
  map: endpointFields,
})

const notYet: Schema<never> = {
  expected: 'a list of endpoints',
  json: { type: 'object' },
  read(node, at) {
    at.error(node.at, 'discovery by dns or file is not in this version of Sluice; write a list of endpoint URLs')
    return INVALID
  },
}

/** Keys of an upstream. */
export const upstreamOptions = object(
  {
    endpoints: required(byKind({ list: list(endpoint, 1), map: notYet }), 'Where the service runs.'),
    protocol: withDefault(oneOf('auto', 'http1'), 'auto', 'What is spoken to the endpoints; HTTP/1.1 in this version.'),
    tls: withDefault(
      object({
        ca: optional(
          pem('certificates to trust instead of the system’s'),
          'Whom to trust. Default: the system’s certificates.',
        ),
        cert: optional(pem('our certificate chain'), 'Certificate that we show.'),
        key: optional(pem('the key of our certificate'), 'Key of our certificate.'),
        serverName: optional(
          text('a host name'),
          'Name for SNI and for the check of the certificate. Default: the endpoint’s host.',
        ),
        verify: withDefault(boolean(), true, 'Check the certificate. Switch it off only to try something out.'),
      }),
      {},
      'TLS to https endpoints.',
    ),
    loadBalancing: withDefault(
      object(
        {
          algorithm: withDefault(
            oneOf('round-robin', 'least-request'),
            'least-request',
            'round-robin: in turn, by weight. least-request: the less busy of two drawn at random.',
          ),
        },
        { later: ['slowStart', 'hashOn', 'zone', 'sticky'] },
      ),
      {},
      'Which endpoint gets the next try.',
    ),
    connections: withDefault(
      object({
        max: withDefault(integer(1, 100_000), 256, 'Open connections to each endpoint, of all workers together.'),
        maxWaiting: withDefault(
          integer(0, 100_000),
          64,
          'Requests that wait for a connection, for each endpoint and worker; beyond it pool_full.',
        ),
        keepAlive: withDefault(
          duration(100, 3_600_000),
          '4s',
          'How long an idle connection is kept. Keep it below the upstream’s own limit.',
        ),
      }),
      {},
      'Connections to each endpoint.',
    ),
    timeouts: withDefault(
      object({ connect: withDefault(duration(1, 600_000), '2s', 'TCP and TLS together.') }),
      {},
      'Bounds that belong to the upstream.',
    ),
    healthCheck: withDefault(
      offOr(laterMap('active health checks')),
      'off',
      'Active health checks; only off in this version.',
    ),
  },
  {
    later: ['outlierDetection', 'bulkhead', 'panicThreshold', 'retryBudget', 'zones', 'subset'],
    misplaced: { url: 'endpoints', urls: 'endpoints', servers: 'endpoints', hosts: 'endpoints' },
  },
)

export type UpstreamOptions = Infer<typeof upstreamOptions>

/** A map that a later version understands. */
function laterMap(what: string): Schema<never> {
  return {
    expected: 'off',
    json: { type: 'object' },
    read(node, at) {
      at.error(node.at, `${what} are not in this version of Sluice; expected off`)
      return INVALID
    },
  }
}
