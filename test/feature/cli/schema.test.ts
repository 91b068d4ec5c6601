import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { DEFAULT_LANGUAGE } from '../../../src/config/language/default-language.ts'
import { jsonSchema } from '../../../src/config/language/json-schema.ts'
import { sluice } from './cli.ts'

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

  const options = { strict: false, allowUnionTypes: true } as const
  const written = jsonSchema(DEFAULT_LANGUAGE)

  it('says of every file what the schemas say without $defs', async () => {
    const [short, long] = [
      new Ajv2020(options).compile(written),
      new Ajv2020(options).compile(DEFAULT_LANGUAGE.root.json),
    ]
    const verdicts = new Map<boolean, number>()
    for (const file of [...yamlIn(EXAMPLES), ...yamlIn(GOLDEN)]) {
      const config: unknown = await readFile(file, 'utf8').then(parsed)
      const valid = short(config)
      expect(long(config), file).toBe(valid)
      expect(short.errors?.map(({ instancePath }) => instancePath)).toEqual(
        long.errors?.map(({ instancePath }) => instancePath),
      )
      verdicts.set(valid, (verdicts.get(valid) ?? 0) + 1)
    }
    expect(verdicts.get(true)).toBeGreaterThan(50)
    expect(verdicts.get(false)).toBeGreaterThan(200)
  })

  it('is that of the schemas once its references are followed', () => {
    const { $defs, $schema, description, title, ...rest } = written
    expect(expanded(rest, $defs as Readonly<Record<string, object>>)).toEqual(DEFAULT_LANGUAGE.root.json)
    expect(Object.keys($defs as object)).toEqual(
      expect.arrayContaining(['retries', 'circuitBreaker', 'upstream.bulkhead']),
    )
  })

  it('says nothing twice: it can be read', async () => {
    const { stdout } = await sluice('.', ['schema'])
    expect(stdout.split('\n').length).toBeLessThan(2800)
    expect(JSON.parse(stdout)).toEqual(written)
  })
})

/** undefined where it is no YAML. */
function parsed(text: string): unknown {
  try {
    return parse(text, { merge: true })
  } catch {
    return undefined
  }
}

function expanded(json: unknown, defs: Readonly<Record<string, object>>): unknown {
  if (Array.isArray(json)) return json.map((one) => expanded(one, defs))
  if (typeof json !== 'object' || json === null) return json
  const { $ref, ...own } = json as { readonly $ref?: string }
  const whole = $ref === undefined ? own : { ...defs[$ref.replace('#/$defs/', '')], ...own }
  return Object.fromEntries(Object.entries(whole).map(([key, value]) => [key, expanded(value, defs)]))
}
