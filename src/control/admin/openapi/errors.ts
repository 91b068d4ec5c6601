import type { JsonSchema } from '../../../schema/schema.ts'
import { ERRORS, type ErrorCode, PROBLEM_JSON, problemType } from '../contract.ts'
import { COUNT, choice, constant, each, record, ref, SHA256, said, TEXT } from './shape.ts'

const PROBLEM = {
  type: said('Stable; for programs.', choice(...Object.keys(ERRORS).map((code) => problemType(code as ErrorCode)))),
  title: said('Of all errors of this type.', TEXT),
  status: said('That of the answer.', COUNT),
  detail: said('For people; it may change.', TEXT),
}

/** Schemas of what is answered when something is wrong. */
export const ERROR_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Error: record(PROBLEM),
  RefusedConfig: record({
    ...PROBLEM,
    type: constant(problemType('refused')),
    changed: { const: false },
    hash: said('Of the config that stays live.', SHA256),
    problems: said('Errors, then warnings: `file:line:column: path: what is wrong`.', each(TEXT)),
    restart: each(TEXT),
    kept: each(ref('KeptPart')),
  }),
  KeptPart: record({
    kind: choice('routes', 'upstreams'),
    name: TEXT,
    became: said('`left out`: there is no good version of it.', choice('as it was', 'left out')),
  }),
}

/** Answers that many operations share, by status. */
export const ERROR_RESPONSES = {
  400: refusal('The request makes no sense (`bad_request`), or it has not exactly one Host field (`bad_host`).'),
  401: {
    ...refusal('A valid bearer token is needed (`unauthenticated`).'),
    headers: { 'www-authenticate': { description: 'Bearer', schema: TEXT } },
  },
  403: refusal(
    'The role is too small (`forbidden`), the Host field names no host of `admin.hosts` (`host_not_allowed`), or a page of ' +
      'another site asks (`foreign_origin`).',
  ),
  404: refusal('There is no such thing, or not any more (`not_found`).'),
  413: refusal('The body is too large (`bad_request`).'),
  415: refusal('The content type is not `application/json` (`content_type`).'),
  500: refusal('A bug of the gateway (`internal`); its log has more.'),
} as const

export type SharedStatus = keyof typeof ERROR_RESPONSES

/** An answer with an error; `schema` where it says more than {@link ERROR_SCHEMAS}.Error. */
export function refusal(description: string, schema: JsonSchema = ref('Error')) {
  return { description, content: { [PROBLEM_JSON]: { schema } } }
}
