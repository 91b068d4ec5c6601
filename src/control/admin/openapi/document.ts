import { TAGS } from '../../../core/operation.ts'
import type { JsonSchema } from '../../../schema/schema.ts'
import type { DescribedRoute } from '../contract.ts'
import { ERROR, ERROR_RESPONSES, refusal, type SharedStatus } from './errors.ts'
import { bodyOf, parametersOf } from './parameters.ts'

const DESCRIPTION = `Errors are problem documents (RFC 9457): \`type\` is \`urn:sluice:admin:\` and the word that stands with
each. Reading from loopback needs no token unless \`admin.auth\` or \`admin.trustedProxyHeader\` is set; a role can also come
from the header fields of a trusted proxy. The roles are viewer, operator and admin; each may do what those before it may.`

const LICENSE = { name: 'MIT', identifier: 'MIT' }

const UNRECORDED = refusal('The audit log cannot be written, and `logging.audit` is `required` (`refused`).')

/** The OpenAPI 3.1 document of the routes that a server has. */
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
      schemas: schemasOf(routes),
      responses: Object.fromEntries(Object.entries(ERROR_RESPONSES).map(([status, r]) => [`Error${status}`, r])),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token of `admin.auth`, or the one of `tokenFile`.' },
      },
    },
  }
}

/** Throws where two routes mean different things by a name: one of them would be described wrongly. */
function schemasOf(routes: readonly DescribedRoute[]): Readonly<Record<string, JsonSchema>> {
  const schemas: Record<string, JsonSchema> = { Error: ERROR }
  for (const { path, says } of routes) {
    for (const [name, schema] of Object.entries(says.schemas ?? {})) {
      const known = schemas[name]
      if (known !== undefined && known !== schema && JSON.stringify(known) !== JSON.stringify(schema))
        throw new Error(`${path}: the schema ${name} is another one elsewhere`)
      schemas[name] = schema
    }
  }
  return schemas
}

function operationOf(route: DescribedRoute): object {
  const { acts, method, needs, says, takes } = route
  const { answer, description, id, others, params = {}, summary, tag } = says
  const role = needs === 'nothing' ? undefined : `Needs the role ${needs}.`
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: [description, role].filter((part) => part !== undefined).join(' '),
    security: securityOf(route),
    parameters: parametersOf(takes, params),
    ...(method === 'POST' && { requestBody: bodyOf(takes) }),
    responses: {
      200: answer,
      ...Object.fromEntries(sharedBy(route).map((s) => [s, { $ref: `#/components/responses/Error${s}` }])),
      ...(acts && { 503: UNRECORDED }),
      ...others,
    },
  }
}

/** The array of a bearer names the role. A second, empty requirement: none is needed where reading is open. */
function securityOf({ acts, needs }: DescribedRoute): readonly object[] {
  if (needs === 'nothing') return []
  const bearer = { bearer: [needs] }
  return acts || needs !== 'viewer' ? [bearer] : [bearer, {}]
}

function sharedBy({ method, needs, says: { others, params } }: DescribedRoute): readonly SharedStatus[] {
  return [
    400,
    ...(needs === 'nothing' ? [] : ([401] as const)),
    403,
    ...(params !== undefined && others[404] === undefined ? ([404] as const) : []),
    ...(method === 'POST' ? ([413, 415] as const) : []),
    500,
  ]
}
