import type { JsonSchema } from '../../../schema/schema.ts'
import { COUNT, choice, constant, record, ref, said, TEXT } from '../../../schema/shape.ts'
import { ERRORS, type ErrorCode, PROBLEM_JSON, problemType } from '../contract.ts'

const PROBLEM = {
  type: said('Stable; for programs.', choice(...Object.keys(ERRORS).map((code) => problemType(code as ErrorCode)))),
  title: said('Title of all errors of this type.', TEXT),
  status: said('Status of the answer.', COUNT),
  detail: said('Text for operators; it may change.', TEXT),
}

/** What is answered when something is wrong. */
export const ERROR: JsonSchema = record(PROBLEM)

/** Answers that many operations share, by status. */
export const ERROR_RESPONSES = {
  400: refusal('The request is not valid (`bad_request`), or it has not exactly one Host field (`bad_host`).'),
  401: {
    ...refusal('A valid bearer token is needed (`unauthenticated`).'),
    headers: { 'www-authenticate': { description: 'Bearer', schema: TEXT } },
  },
  403: refusal(
    'The role is insufficient (`forbidden`), the Host field names no host of `admin.hosts` (`host_not_allowed`), or a page of ' +
      'another site asks (`foreign_origin`).',
  ),
  404: refusal('This does not exist, or no longer (`not_found`).'),
  413: refusal('The body is too large (`bad_request`).'),
  415: refusal('The content type is not `application/json` (`content_type`).'),
  500: refusal('A bug of the gateway (`internal`); its log has more.'),
} as const

export type SharedStatus = keyof typeof ERROR_RESPONSES

/** An answer with an error; `schema` if it has more than {@link ERROR}. */
export function refusal(description: string, schema: JsonSchema = ref('Error')) {
  return { description, content: { [PROBLEM_JSON]: { schema } } }
}

/** An error of a command that was refused, with more fields. */
export function refusedWith(fields: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return record({ ...PROBLEM, type: constant(problemType('refused')), ...fields })
}
