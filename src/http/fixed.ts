import type { Exchange } from '../core/exchange.ts'
import type { Failure } from '../core/failures.ts'
import type { Reply } from '../core/verdict.ts'
import { optional, withDefault } from '../schema/composites.ts'
import { integer } from '../schema/scalars.ts'
import { type TemplateText, template } from '../schema/template.ts'
import { compileFields, type FieldMap } from './fields.ts'
import { fields } from './schemas.ts'
import {
  bodyEscape,
  type CompiledText,
  compileText,
  FAILURE_VALUES,
  type TemplateContext,
  type TemplateValues,
} from './template.ts'

const PLAIN = 'text/plain; charset=utf-8'
const WITHOUT_BODY = [204, 205, 304]

/** Keys of a fixed answer; its texts may name `values`. */
export function fixedKeys(values: TemplateValues) {
  const body = template({
    expected: 'text',
    values: Object.keys(values),
    elsewhere: Object.keys(FAILURE_VALUES),
    form: 'text',
    json: { type: ['string', 'number', 'boolean'] },
  })
  return {
    status: withDefault(integer(200, 599), 200, 'Status of the answer.'),
    headers: optional(
      fields(values),
      'Header fields of the answer. A body is text/plain unless content-type says otherwise.',
    ),
    body: optional(body, 'Body of the answer. Values such as {request.id} are escaped for its content type.'),
  }
}

export interface FixedOptions {
  readonly status: number
  readonly headers?: FieldMap | undefined
  readonly body?: TemplateText | undefined
}

/** What is wrong with it; undefined: nothing. */
export function fixedProblem({ body, headers, status }: FixedOptions): string | undefined {
  if (body === undefined) return undefined
  if (WITHOUT_BODY.includes(status)) return `an answer with status ${status} has no body`
  const type = contentType(headers) ?? PLAIN
  if (typeof body === 'string' || (typeof type === 'string' && bodyEscape(type) !== undefined)) return undefined
  const named = typeof type === 'string' ? `a body of type ${type}` : 'a body whose type is made for each request'
  return `values such as {${body.names[0]}} cannot be written into ${named}, only into text/plain, HTML, XML and JSON`
}

/** undefined: none is written. */
function contentType(headers: FieldMap = {}): TemplateText | undefined {
  return Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1]
}

/** A fixed answer: a constant, or made for each request where its texts name values. */
export type FixedReply = Reply | ((ex: Exchange, failure?: Failure) => Reply)

export function compileFixed(
  { body = '', headers = {}, status }: FixedOptions,
  context: Pick<TemplateContext, 'values' | 'paramNames'>,
): FixedReply {
  const type = contentType(headers)
  const lines = compileFields(headers, context)
  // Without a content type it is plain text.
  if (body !== '' && type === undefined) lines.push('content-type', PLAIN)
  const write = bodyEscape(typeof type === 'string' ? type : PLAIN) ?? ((value: string) => value)
  const text = compileText(body, { ...context, write })
  const constant = lines.every((line) => typeof line === 'string') && typeof text === 'string'
  const make = (ex?: Exchange, failure?: Failure): Reply =>
    reply(
      status,
      lines.map((line) => written(line, ex, failure)),
      written(text, ex, failure),
    )
  return constant ? make() : make
}

function written(text: CompiledText, ex: Exchange | undefined, failure: Failure | undefined): string {
  return typeof text === 'string' ? text : text(ex as Exchange, failure)
}

function reply(status: number, headers: string[], body: string): Reply {
  if (status === 204 || status === 304) return { status, headers, body: undefined }
  const bytes = Buffer.from(body, 'utf8')
  headers.push('content-length', String(bytes.length))
  return { status, headers, body: bytes.length === 0 ? undefined : bytes }
}
