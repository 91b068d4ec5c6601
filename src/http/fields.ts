import { byteString, escapeForbidden } from '../lib/percent.ts'
import type { TemplateText } from '../schema/template.ts'
import { type CompiledText, compileText, type TemplateContext } from './template.ts'

/** Fields by name, as in the config. */
export type FieldMap = Readonly<Record<string, TemplateText>>

/** Hop-by-hop fields (RFC 9110, section 7.6.1), framing, and Host, which `rewrite.host` sets. */
const OURS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Whether Sluice itself writes a field, so that no config may set or remove it. */
export function isOwnField(name: string): boolean {
  const lower = name.toLowerCase()
  return OURS.has(lower) || lower.startsWith('sluice-')
}

/** A flat list of fields, values as UTF-8 bytes. What must not stand in a field is percent-escaped in the values that it names. */
export function compileFields(
  fields: FieldMap,
  context: Pick<TemplateContext, 'values' | 'paramNames'>,
): CompiledText[] {
  const place = { ...context, write: escapeForbidden, encode: byteString }
  return Object.entries(fields).flatMap(([name, value]) => [name, compileText(value, place)])
}
