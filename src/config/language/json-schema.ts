import { withDefinitions } from '../../schema/definitions.ts'
import type { JsonSchema } from '../../schema/schema.ts'
import type { Language } from './language.ts'

/** JSON Schema (draft 2020-12) of a config file, from the definitions that check it. */
export function jsonSchema({ root }: Language): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Sluice',
    description: 'Config of the Sluice API gateway, apiVersion sluice/v1.',
    ...withDefinitions(root.json),
  }
}
