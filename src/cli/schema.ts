import { DEFAULT_LANGUAGE } from '../config/language/default-language.ts'
import { jsonSchema } from '../config/language/json-schema.ts'
import { Exit, type Io } from './io.ts'

/** `sluice schema`: the JSON Schema of the config, for editors. */
export async function schema(_args: readonly string[], io: Io): Promise<number> {
  io.stdout(`${JSON.stringify(jsonSchema(DEFAULT_LANGUAGE), undefined, 2)}\n`)
  return Exit.ok
}
