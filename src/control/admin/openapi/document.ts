import type { JsonSchema } from '../../../schema/schema.ts'
import type { DescribedRoute } from '../contract.ts'
import { CONFIG_OPERATIONS, CONFIG_SCHEMAS } from './config.ts'
import { ERROR_RESPONSES, ERROR_SCHEMAS, refusal, type SharedStatus } from './errors.ts'
import { EXPLANATION_SCHEMAS } from './explanation.ts'
import { GATEWAY_OPERATIONS, GATEWAY_SCHEMAS } from './gateway.ts'
import { LIVE_OPERATIONS, LIVE_SCHEMAS } from './live.ts'
import { type Operation, type Operations, TAGS } from './operation.ts'
import { bodyOf, parametersOf } from './parameters.ts'
import { PROBE_OPERATIONS, PROBE_SCHEMAS } from './probes.ts'
import { REQUEST_OPERATIONS, REQUEST_SCHEMAS } from './requests.ts'
import { TRAFFIC_OPERATIONS, TRAFFIC_SCHEMAS } from './traffic.ts'

/** What there is to say of all routes that there may be. */
export const OPERATIONS: Operations = {
  ...GATEWAY_OPERATIONS,
  ...LIVE_OPERATIONS,
  ...REQUEST_OPERATIONS,
  ...TRAFFIC_OPERATIONS,
  ...CONFIG_OPERATIONS,
  ...PROBE_OPERATIONS,
}

const DESCRIPTION = `Errors are problem documents (RFC 9457): \`type\` is \`urn:sluice:admin:\` and the word that stands with
each. Reading from loopback needs no token unless \`admin.auth\` or \`admin.trustedProxyHeader\` is set; a role can also come
from the header fields of a trusted proxy. The roles are viewer, operator and admin; each may do what those before it may.`

const LICENSE = { name: 'MIT', identifier: 'MIT' }

const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  ...ERROR_SCHEMAS,
  ...GATEWAY_SCHEMAS,
  ...LIVE_SCHEMAS,
  ...REQUEST_SCHEMAS,
  ...EXPLANATION_SCHEMAS,
  ...TRAFFIC_SCHEMAS,
  ...CONFIG_SCHEMAS,
  ...PROBE_SCHEMAS,
}

const UNRECORDED = refusal('The audit log can not be written, and `logging.audit` is `required` (`refused`).')

/** The OpenAPI 3.1 document of the routes that a server has. One that nobody has described stands there without a summary. */
export function openApi(routes: readonly DescribedRoute[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) }
  }
  return {
    openapi: '3.1.1',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: { title: 'Sluice admin API', version: '1', description: DESCRIPTION.replaceAll('\n', ' '), license: LICENSE },
    servers: [{ url: '/' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: SCHEMAS,
      responses: Object.fromEntries(Object.entries(ERROR_RESPONSES).map(([status, r]) => [`Error${status}`, r])),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token of `admin.auth`, or the one of `tokenFile`.' },
      },
    },
  }
}

function operationOf(route: DescribedRoute): object {
  const { acts, method, needs, path, takes } = route
  const described = OPERATIONS[`${method} ${path}`]
  const { description = '', id = `${method} ${path}`, path: inPath = {}, summary, tag = 'Gateway' } = described ?? {}
  const role = needs === 'nothing' ? [] : [`Needs the role ${needs}.`]
  return {
    operationId: id,
    tags: [tag],
    ...(summary !== undefined && { summary }),
    description: [description, ...role].filter((part) => part !== '').join(' '),
    security: securityOf(route),
    parameters: parametersOf(takes, inPath),
    ...(method === 'POST' && { requestBody: bodyOf(takes) }),
    responses: {
      200: described?.answer ?? { description: 'Not described.' },
      ...Object.fromEntries(sharedBy(route, described).map((s) => [s, { $ref: `#/components/responses/Error${s}` }])),
      ...(acts && { 503: UNRECORDED }),
      ...described?.others,
    },
  }
}

/** The array of a bearer names the role. A second, empty requirement: none is needed where reading is free. */
function securityOf({ acts, needs }: DescribedRoute): readonly object[] {
  if (needs === 'nothing') return []
  const bearer = { bearer: [needs] }
  return acts || needs !== 'viewer' ? [bearer] : [bearer, {}]
}

function sharedBy({ method, needs }: DescribedRoute, described: Operation | undefined): readonly SharedStatus[] {
  const { path, others } = described ?? {}
  return [
    400,
    ...(needs === 'nothing' ? [] : ([401] as const)),
    403,
    ...(path !== undefined && others?.[404] === undefined ? ([404] as const) : []),
    ...(method === 'POST' ? ([413, 415] as const) : []),
    500,
  ]
}
