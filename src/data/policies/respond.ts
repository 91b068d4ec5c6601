import type { PolicyDefinition, Reply } from '../../core/policy.ts'
import { type FieldMap, flatFields } from './fields.ts'

export interface RespondOptions {
  /** 200 to 599. */
  readonly status: number
  readonly headers?: FieldMap | undefined
  /** Not with 204, 205 and 304. */
  readonly body?: string | undefined
}

const PLAIN = 'text/plain; charset=utf-8'

/** A fixed answer. A body without a content type is plain text. */
export const respond: PolicyDefinition<RespondOptions> = {
  name: 'respond',
  stage: 72,
  why: 'It answers in the place of an upstream, so whoever may not reach one does not get it either.',
  compile(options, { slot }) {
    const reply = fixedReply(options)
    return { name: 'respond', slot, admit: () => reply }
  },
}

function fixedReply({ status, headers = {}, body }: RespondOptions): Reply {
  const fields = flatFields(headers)
  if (status === 204 || status === 304) return { status, headers: fields, body: undefined }
  const bytes = Buffer.from(body ?? '', 'utf8')
  const hasType = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
  if (bytes.length > 0 && !hasType) fields.push('content-type', PLAIN)
  fields.push('content-length', String(bytes.length))
  return { status, headers: fields, body: bytes.length === 0 ? undefined : bytes }
}
