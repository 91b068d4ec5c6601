import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { DEFAULT_LANGUAGE } from '../../../src/config/language/default-language.ts'
import { jsonSchema } from '../../../src/config/language/json-schema.ts'

const GOLDEN = fileURLToPath(new URL('../../golden/config/', import.meta.url))
const EXAMPLES = fileURLToPath(new URL('../../../config/examples/', import.meta.url))

let server: FastifyInstance

/** Fastify checks bodies by JSON Schema, so it stands for the editors that use ours. */
beforeAll(async () => {
  const customOptions = { coerceTypes: false, removeAdditional: false, useDefaults: false, strict: false } as const
  server = Fastify({ ajv: { customOptions } })
  const { $schema, ...body } = jsonSchema(DEFAULT_LANGUAGE)
  expect($schema).toBe('https://json-schema.org/draft/2020-12/schema')
  server.post('/', { schema: { body } }, async () => 'valid')
  await server.ready()
})

afterAll(() => server.close())

async function problem(file: string): Promise<string | undefined> {
  const payload = parse(await readFile(file, 'utf8'), { merge: true }) as object
  const { statusCode, body } = await server.inject({ method: 'POST', url: '/', payload })
  return statusCode === 200 ? undefined : (JSON.parse(body) as { message: string }).message
}

function yamlIn(folder: string, prefix = ''): string[] {
  return readdirSync(folder)
    .filter((file) => file.startsWith(prefix) && file.endsWith('.yaml'))
    .map((file) => `${folder}${file}`)
}

describe('the JSON Schema', () => {
  it('finds nothing wrong with a file that sluice check accepts', async () => {
    const files = [...yamlIn(EXAMPLES), ...yamlIn(GOLDEN, 'ok-')]
    expect(files.length).toBeGreaterThan(20)
    const problems = await Promise.all(files.map(async (file) => [file, await problem(file)]))
    expect(problems.filter(([, message]) => message !== undefined)).toEqual([])
  })

  it.each([
    'unknown-key-top',
    'unknown-key-route',
    'unit-missing',
    'null-timeout',
    'respond-status',
    'retries-when',
    'admin-token-literal',
    'endpoints-empty',
    'missing-match',
    'algorithm',
  ])('tells %s as well', async (name) => {
    expect(await problem(`${GOLDEN}${name}.yaml`)).toMatch(/^body/)
  })
})
