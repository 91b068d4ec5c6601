import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LANGUAGE } from '../../../src/config/language/default-language.ts'
import { jsonSchema } from '../../../src/config/language/json-schema.ts'

/** What is asked of the language service of editors; the one for YAML asks the same of it. */
interface LanguageService {
  configure(settings: { schemas: readonly { uri: string; fileMatch: readonly string[]; schema: unknown }[] }): void
  parseJSONDocument(document: TextDocument): unknown
  doComplete(document: TextDocument, at: unknown, json: unknown): Promise<{ items: Item[] } | null>
  doHover(document: TextDocument, at: unknown, json: unknown): Promise<{ contents: readonly string[] } | null>
  doValidation(document: TextDocument, json: unknown): Promise<readonly { message: string }[]>
}

interface Item {
  readonly label: string
  readonly documentation?: unknown
}

interface TextDocument {
  positionAt(offset: number): unknown
}

// It is CommonJS, and its types name files that Node does not find.
const { getLanguageService, TextDocument } = createRequire(import.meta.url)('vscode-json-languageservice') as {
  getLanguageService(parameters: object): LanguageService
  TextDocument: { create(uri: string, language: string, version: number, text: string): TextDocument }
}

const service = getLanguageService({})
service.configure({
  schemas: [{ uri: 'test://sluice', fileMatch: ['*'], schema: jsonSchema(DEFAULT_LANGUAGE) }],
})

/** What an editor offers and tells where the `|` stands. */
async function editorAt(text: string) {
  const document = TextDocument.create('test:///sluice.json', 'json', 1, text.replace('|', ''))
  const json = service.parseJSONDocument(document)
  const at = document.positionAt(text.indexOf('|'))
  const completed = await service.doComplete(document, at, json)
  const hover = await service.doHover(document, at, json)
  const problems = await service.doValidation(document, json)
  return {
    keys: new Map((completed?.items ?? []).map(({ documentation, label }) => [label, documentation])),
    hover: hover?.contents.join(' ').replaceAll('\\', ''),
    problems: problems.map(({ message }) => message),
  }
}

const field = (name: string): string | undefined => DEFAULT_LANGUAGE.route.fields[name]?.doc

describe('an editor with the JSON Schema', () => {
  it.each([
    ['a route', '{ "routes": { "a": { "match": { "path": "/" }, "|" } } }', ['to', 'retries', 'circuitBreaker', 'use']],
    ['defaults', '{ "defaults": { "route": { "|" } } }', ['retries', 'circuitBreaker', 'timeouts']],
    ['a profile', '{ "profiles": { "p": { "|" } } }', ['retries', 'fallback']],
    ['a policy', '{ "routes": { "a": { "bulkhead": { "|" } } } }', ['maxConcurrent', 'queue', 'mode']],
    ['a policy in a policy', '{ "routes": { "a": { "bulkhead": { "queue": { "|" } } } } }', ['size', 'maxWait']],
    ['a secret', '{ "upstreams": { "a": { "loadBalancing": { "sticky": { "secret": { "|" } } } } } }', ['file', 'env']],
    ['one of several matches', '{ "routes": { "a": { "match": [{ "|" }] } } }', ['hosts', 'path', 'headers']],
  ])('completes the keys of %s, and tells what they are for', async (_, text, expected) => {
    const { keys } = await editorAt(text)
    expect([...keys.keys()]).toEqual(expect.arrayContaining(expected))
    for (const [key, doc] of keys) expect(doc, key).toMatch(/\w.*\.$/s)
  })

  it('offers no key that does not belong there', async () => {
    const { keys } = await editorAt('{ "defaults": { "route": { "|" } } }')
    expect(keys.has('match')).toBe(false)
    expect(keys.has('to')).toBe(false)
    expect(keys.get('retries')).toBe(field('retries'))
  })

  it.each([
    ['a route', '{ "routes": { "a": { "retr|ies": { "maxExtra": 1 } } } }', field('retries')],
    ['defaults', '{ "defaults": { "route": { "circuit|Breaker": {} } } }', field('circuitBreaker')],
    [
      'a key in a policy',
      '{ "profiles": { "a": { "retries": { "maxE|xtra": 1 } } } }',
      'Maximum attempts after the first.',
    ],
  ])('tells on hover what a key of %s is for', async (_, text, doc) => {
    expect((await editorAt(text)).hover).toBe(doc)
  })

  it('marks what is wrong', async () => {
    const { problems } = await editorAt(
      '{ "listeners": {}, "routes": {}, "defaults": { "route": { "retries": { "max|": 1 } } } }',
    )
    expect(problems).toEqual(['Property max is not allowed.'])
  })
})
