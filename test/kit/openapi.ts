import { Ajv2020 } from 'ajv/dist/2020.js'
import type { JsonSchema } from '../../src/schema/schema.ts'

/** A document of OpenAPI 3.1, as far as the tests read it. */
export interface OpenApi {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly responses: Readonly<Record<string, ResponseObject>>
    readonly securitySchemes: Readonly<Record<string, { readonly type: string; readonly scheme: string }>>
  }
}

export interface OperationObject {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary?: string
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema: JsonSchema
  }[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, ResponseObject | { readonly $ref: string }>>
}

type Content = Readonly<
  Record<string, { readonly schema: JsonSchema; readonly 'x-events'?: Readonly<Record<string, JsonSchema>> }>
>

interface ResponseObject {
  readonly description: string
  readonly content: Content
}

/** An operation with where it stands: `GET /api/v1/status`. */
export interface Listed {
  readonly key: string
  readonly method: string
  readonly path: string
  readonly operation: OperationObject
}

/** Holds what a server answers against the document that it gives of itself. */
export class Description {
  readonly document: OpenApi
  private readonly ajv: Ajv2020

  constructor(document: OpenApi) {
    this.document = document
    this.ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true })
    this.ajv.addFormat('date-time', (text: string) => text === new Date(text).toISOString())
    this.ajv.addSchema({ $id: 'api', $defs: inner(document.components.schemas) })
  }

  get operations(): Listed[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => {
        const upper = method.toUpperCase()
        return { key: `${upper} ${path}`, method: upper, path, operation }
      }),
    )
  }

  operation(key: string): OperationObject {
    const found = this.operations.find((listed) => listed.key === key)
    if (found === undefined) throw new Error(`the document has no ${key}`)
    return found.operation
  }

  response(key: string, status: number): ResponseObject | undefined {
    const response = this.operation(key).responses[status]
    if (response === undefined || !('$ref' in response)) return response
    return this.document.components.responses[response.$ref.replace('#/components/responses/', '')]
  }

  /** What is wrong with an answer; empty: it is as described. Keys that nobody described are wrong, too. */
  problems(key: string, status: number, contentType: string | undefined, body: string): string[] {
    const response = this.response(key, status)
    if (response === undefined) return [`${key}: ${status} is not described: ${body.slice(0, 200)}`]
    const type = (contentType ?? '').split(';')[0] as string
    const media = response.content[type]
    if (media === undefined) return [`${key}: ${status} has content type ${type}`]
    if (!type.endsWith('json')) return []
    return this.mismatches(media.schema, JSON.parse(body)).map((problem) => `${key} ${status} ${problem}`)
  }

  mismatches(schema: JsonSchema, value: unknown): string[] {
    const check = this.ajv.compile(inner(schema))
    if (check(value)) return []
    return (check.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath}: ${message} ${JSON.stringify(params)}`,
    )
  }
}

/** The same with references that Ajv finds, and closed: what is not described is not allowed. */
function inner<T>(schema: T): T {
  const text = JSON.stringify(schema).replaceAll('#/components/schemas/', 'api#/$defs/')
  return JSON.parse(text, (_, value) => {
    const isRecord = typeof value?.properties === 'object' && value.type === 'object'
    return isRecord ? { additionalProperties: false, ...value } : value
  }) as T
}

/** What is wrong with the form of a document, by the rules of OpenAPI 3.1 that it could break. */
export function formProblems(document: OpenApi): string[] {
  const problems: string[] = []
  const expect = (holds: boolean, what: string): void => {
    if (!holds) problems.push(what)
  }
  expect(/^3\.1\.\d+$/.test(document.openapi), 'openapi')
  expect(document.info.title !== '' && document.info.version !== '', 'info')
  const described = new Description(document)
  const ids = described.operations.map(({ operation }) => operation.operationId)
  expect(new Set(ids).size === ids.length, `operationId twice: ${ids.join(' ')}`)
  const tags = new Set(document.tags.map(({ name }) => name))
  for (const { key, operation, path } of described.operations) {
    expect(path.startsWith('/'), `${key}: path`)
    expect(/^[a-z][A-Za-z]+$/.test(operation.operationId), `${key}: operationId`)
    expect(
      operation.tags.every((tag) => tags.has(tag)),
      `${key}: tags`,
    )
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
    const declared = operation.parameters.filter((parameter) => parameter.in === 'path')
    expect(declared.map(({ name }) => name).join() === inPath.join(), `${key}: parameters of the path`)
    expect(
      declared.every(({ required }) => required === true),
      `${key}: parameters of the path are required`,
    )
    const names = operation.parameters.map(({ in: place, name }) => `${place} ${name}`)
    expect(new Set(names).size === names.length, `${key}: parameter twice`)
    for (const requirement of operation.security)
      for (const name of Object.keys(requirement))
        expect(Object.hasOwn(document.components.securitySchemes, name), `${key}: security ${name}`)
    expect(operation.responses[200] !== undefined, `${key}: no good answer`)
    for (const status of Object.keys(operation.responses)) {
      const response = described.response(key, Number(status))
      expect(/^[1-5]\d\d$/.test(status), `${key}: ${status}`)
      expect((response?.description ?? '') !== '', `${key}: ${status} without a description`)
      for (const { schema } of Object.values(response?.content ?? {})) described.mismatches(schema, null)
    }
  }
  const named = Object.keys(document.components.schemas)
  const text = JSON.stringify(document)
  const used = new Set([...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => match[1] as string))
  expect(
    named.every((name) => used.has(name)),
    `nobody refers to ${named.filter((name) => !used.has(name)).join()}`,
  )
  expect(
    [...used].every((name) => named.includes(name)),
    'a reference leads nowhere',
  )
  return problems
}
