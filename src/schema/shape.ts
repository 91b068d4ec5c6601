import type { JsonSchema } from './schema.ts'

/** Short forms of JSON Schema (draft 2020-12), for what the admin API answers. */

export const TEXT: JsonSchema = { type: 'string' }
export const FLAG: JsonSchema = { type: 'boolean' }
export const NUMBER: JsonSchema = { type: 'number' }
export const COUNT: JsonSchema = { type: 'integer', minimum: 0 }
export const TIME: JsonSchema = { type: 'string', format: 'date-time', description: 'RFC 3339.' }
export const SHA256: JsonSchema = { type: 'string', pattern: '^[0-9a-f]{64}$', description: 'SHA-256, in hex.' }

/** An object that has all of `fields`, and may have some of `more`. */
export function record(
  fields: Readonly<Record<string, JsonSchema>>,
  more: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  const required = Object.keys(fields)
  return { type: 'object', properties: { ...fields, ...more }, ...(required.length > 0 && { required }) }
}

export function each(items: JsonSchema): JsonSchema {
  return { type: 'array', items }
}

/** Values by a name that is not known beforehand. */
export function byName(values: JsonSchema): JsonSchema {
  return { type: 'object', additionalProperties: values }
}

export function choice(...values: readonly string[]): JsonSchema {
  return { type: 'string', enum: values }
}

export function constant(value: string): JsonSchema {
  return { const: value }
}

/** `null` says why there is none. */
export function orNull(schema: JsonSchema, isNull: string): JsonSchema {
  return { anyOf: [schema, { type: 'null' }], description: `null: ${isNull}.` }
}

export function said(description: string, schema: JsonSchema): JsonSchema {
  return { ...schema, description }
}

/** One of the schemas that the document names. */
export function ref(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` }
}
