import type { DiscoveryConfig } from '../../core/config.ts'
import { mapped, object, optional, withDefault } from '../../schema/composites.ts'
import { filePath } from '../../schema/mark.ts'
import { duration, oneOf, type Problem, parsed } from '../../schema/scalars.ts'
import type { Infer, Schema } from '../../schema/schema.ts'

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

const keys = object(
  {
    dns: optional(service, 'Name that is resolved periodically; each address is an endpoint.'),
    type: optional(
      oneOf('a', 'aaaa', 'srv'),
      'For dns: the type of records. srv records carry ports, weights and tiers. Default: a.',
    ),
    scheme: optional(oneOf('http', 'https'), 'For dns: scheme of the endpoints. Default: http.'),
    file: optional(filePath(), 'A YAML or JSON file with a list of endpoints, relative to the config file.'),
    every: withDefault(
      duration(1000, 3_600_000),
      '10s',
      'Time between two look-ups; a file is also read as soon as it changes.',
    ),
  },
  { misplaced: { name: 'dns', srv: 'type', path: 'file', interval: 'every', port: 'dns', url: 'dns' } },
)

/** The map under `upstreams.NAME.endpoints`: where its endpoints are found. */
export const discovery: Schema<DiscoveryConfig> = mapped(
  keys,
  (options, refuse) => {
    const { dns, every, file } = options
    if ((dns === undefined) === (file === undefined)) return refuse('expected either dns or file')
    if (dns !== undefined) {
      const problem = dnsProblem(dns, options)
      if (problem !== undefined) return refuse(problem)
      return { kind: 'dns', scheme: options.scheme ?? 'http', type: options.type ?? 'a', every, ...dns }
    }
    const wrong = (['type', 'scheme'] as const).find((key) => options[key] !== undefined)
    if (wrong !== undefined) return refuse(`${wrong} does not apply to a file`)
    return { kind: 'file', path: file as string, every }
  },
  '{ dns: NAME:PORT } or { file: PATH }',
)

function dnsProblem({ port }: Service, { type }: Infer<typeof keys>): string | undefined {
  if (type === 'srv') return port === undefined ? undefined : 'srv records carry the port; remove it from dns'
  return port === undefined ? 'the port is missing in dns: write NAME:PORT' : undefined
}
