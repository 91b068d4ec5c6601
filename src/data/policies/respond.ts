import type { Reply } from '../../core/policy.ts'
import { mapped, object, optional, withDefault } from '../../schema/composites.ts'
import { integer, text } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import type { ConfiguredPolicy } from './definition.ts'
import { flatFields } from './fields.ts'
import { fields } from './schemas.ts'

const keys = object({
  status: withDefault(integer(200, 599), 200, 'Status of the answer.'),
  headers: optional(fields(), 'Fields of the answer; a body is text/plain unless content-type says otherwise.'),
  body: optional(text(), 'Body of the answer.'),
})

export type RespondOptions = Pick<Infer<typeof keys>, 'status'> & Partial<Infer<typeof keys>>

const WITHOUT_BODY = [204, 205, 304]
const PLAIN = 'text/plain; charset=utf-8'

/** A fixed answer. A body without a content type is plain text. */
export const respond: ConfiguredPolicy<RespondOptions> = {
  name: 'respond',
  stage: 72,
  why: 'It answers in the place of an upstream, so whoever may not reach one does not get it either.',
  doc: 'A fixed answer in the place of an upstream.',
  answers: true,
  schema: mapped(keys, (options, refuse) =>
    WITHOUT_BODY.includes(options.status) && options.body !== undefined
      ? refuse(`an answer with status ${options.status} has no body`)
      : options,
  ),
  compile(options, { slot }) {
    const reply = fixedReply(options)
    return { name: 'respond', slot, admit: () => reply }
  },
}

function fixedReply({ status, headers = {}, body }: RespondOptions): Reply {
  const lines = flatFields(headers)
  if (status === 204 || status === 304) return { status, headers: lines, body: undefined }
  const bytes = Buffer.from(body ?? '', 'utf8')
  const hasType = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
  if (bytes.length > 0 && !hasType) lines.push('content-type', PLAIN)
  lines.push('content-length', String(bytes.length))
  return { status, headers: lines, body: bytes.length === 0 ? undefined : bytes }
}
