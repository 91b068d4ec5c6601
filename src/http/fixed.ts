import type { Reply } from '../core/verdict.ts'
import { optional, withDefault } from '../schema/composites.ts'
import { integer, text } from '../schema/scalars.ts'
import { type FieldMap, flatFields } from './fields.ts'
import { fields } from './schemas.ts'

const PLAIN = 'text/plain; charset=utf-8'
const WITHOUT_BODY = [204, 205, 304]

/** Keys of a fixed answer. */
export const fixedKeys = {
  status: withDefault(integer(200, 599), 200, 'Status of the answer.'),
  headers: optional(fields(), 'Header fields of the answer. A body is text/plain unless content-type says otherwise.'),
  body: optional(text(), 'Body of the answer.'),
}

export interface FixedOptions {
  readonly status: number
  readonly headers?: FieldMap | undefined
  readonly body?: string | undefined
}

/** What is wrong with it; undefined: nothing. */
export function fixedProblem({ body, status }: FixedOptions): string | undefined {
  return WITHOUT_BODY.includes(status) && body !== undefined ? `an answer with status ${status} has no body` : undefined
}

/** A body without a content type is plain text. */
export function fixedReply({ status, headers = {}, body }: FixedOptions): Reply {
  const lines = flatFields(headers)
  if (status === 204 || status === 304) return { status, headers: lines, body: undefined }
  const bytes = Buffer.from(body ?? '', 'utf8')
  const hasType = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
  if (bytes.length > 0 && !hasType) lines.push('content-type', PLAIN)
  lines.push('content-length', String(bytes.length))
  return { status, headers: lines, body: bytes.length === 0 ? undefined : bytes }
}
