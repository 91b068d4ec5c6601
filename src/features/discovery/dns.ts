import type { EndpointSource } from '../../core/endpoint-source.ts'
import { type ObjectOf, optional } from '../../schema/composites.ts'
import { oneOf, type Problem, parsed } from '../../schema/scalars.ts'
import type { Schema } from '../../schema/schema.ts'

export interface DnsSourceOptions {
  readonly scheme: 'http' | 'https'
  readonly type: 'a' | 'aaaa' | 'srv'
  readonly name: string
  /** undefined for srv. */
  readonly port: number | undefined
}

interface Service {
  readonly name: string
  readonly port: number | undefined
}

const NAME = /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i

const service: Schema<Service> = parsed(
  'a name with a port such as orders.shop.svc:8080, or for srv a name such as _http._tcp.orders.shop.svc',
  (value): Service | Problem => {
    const [name = '', digits, ...rest] = value.split(':')
    if (!NAME.test(name) || name.length > 253 || rest.length > 0) return { problem: '' }
    const lower = name.toLowerCase().replace(/\.$/, '')
    if (digits === undefined) return { name: lower, port: undefined }
    const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
    return port >= 1 && port <= 65_535 ? { name: lower, port } : { problem: 'ports go from 1 to 65535' }
  },
)

const fields = {
  dns: optional(service, 'Name that is resolved periodically; each address is an endpoint.'),
  type: optional(
    oneOf('a', 'aaaa', 'srv'),
    'For dns: the type of records. srv records carry ports, weights and tiers. Default: a.',
  ),
  scheme: optional(oneOf('http', 'https'), 'For dns: scheme of the endpoints. Default: http.'),
}

/** The addresses or the SRV records of a name. */
export const dnsSource: EndpointSource<DnsSourceOptions> = {
  key: 'dns',
  form: 'NAME:PORT',
  called: 'a name',
  fields,
  misplaced: { name: 'dns', srv: 'type', port: 'dns', url: 'dns' },
  read({ dns, scheme = 'http', type = 'a' }: ObjectOf<typeof fields>) {
    const { name, port } = dns as Service
    if (type === 'srv' && port !== undefined) return { problem: 'srv records carry the port; remove it from dns' }
    if (type !== 'srv' && port === undefined) return { problem: 'the port is missing in dns: write NAME:PORT' }
    const options = { scheme, type, name, port }
    return { options, text: `dns ${type} ${scheme}://${name}${port === undefined ? '' : `:${port}`}` }
  },
}
