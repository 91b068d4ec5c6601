import { DEFAULT_LANGUAGE } from '../config/language/default-language.ts'
import { jsonSchema } from '../config/language/json-schema.ts'
import { Exit, type Io } from './io.ts'

const WIDTH = 140

/** `sluice schema`: the JSON Schema of the config, for editors. */
export async function schema(_args: readonly string[], io: Io): Promise<number> {
  io.stdout(schemaText())
  return Exit.ok
}

/** What it prints, and config/sluice.schema.json holds. */
export function schemaText(): string {
  return `${jsonText(jsonSchema(DEFAULT_LANGUAGE))}\n`
}

/** JSON of which what fits a line stands on a line. */
function jsonText(value: unknown, indent = '', before = 0): string {
  const line = JSON.stringify(value, undefined, 1)?.replace(/\n */g, ' ') ?? 'null'
  if (typeof value !== 'object' || value === null || before + line.length <= WIDTH) return line
  const inner = `${indent}  `
  const item = (key: string, one: unknown): string =>
    `${inner}${key}${jsonText(one, inner, inner.length + key.length + 1)}`
  if (Array.isArray(value)) return `[\n${value.map((one) => item('', one)).join(',\n')}\n${indent}]`
  const items = Object.entries(value).map(([key, one]) => item(`${JSON.stringify(key)}: `, one))
  return `{\n${items.join(',\n')}\n${indent}}`
}
