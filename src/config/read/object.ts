import type { Diagnostic } from '../../schema/diagnostics.ts'
import type { Node, Position, ScalarNode } from '../../schema/node.ts'
import { At } from '../../schema/schema.ts'
import { MAX_DEPTH, MAX_FILE_BYTES, MAX_VALUES, type ParsedDocument, TOO_DEEP } from './document.ts'
import type { Environment } from './environment.ts'
import { scalarOf } from './scalar.ts'

/**
 * The JSON of a value that a program made, to nodes without lines: problems name keys. Read as `parseYaml` reads a file: the
 * same bounds, the same environment values.
 */
export function parseObject(name: string, bytes: Uint8Array, env: Environment): ParsedDocument {
  const diagnostics: Diagnostic[] = []
  // One for each value: that is how a mistake in defaults is told from the same mistake on two routes.
  const here = (): Position => ({ file: name, line: 0, column: 0 })
  const refused = (message: string, path = ''): void => {
    diagnostics.push({ severity: 'error', at: here(), path, message })
  }
  let values = 0
  const convert = (value: unknown, place: At, depth: number): Node => {
    const { path } = place
    const at = here()
    values++
    if (values > MAX_VALUES || depth > MAX_DEPTH) {
      if (diagnostics.length === 0) refused(depth > MAX_DEPTH ? TOO_DEEP : `more than ${MAX_VALUES} values`, path)
      return { kind: 'list', at, items: [] }
    }
    if (Array.isArray(value))
      return { kind: 'list', at, items: value.map((item, i) => convert(item, place.index(i), depth + 1)) }
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).map(([key, inner]) => {
        return [key, { key: here(), value: convert(inner, place.key(key), depth + 1) }] as const
      })
      return { kind: 'map', at, entries: new Map(entries) }
    }
    const scalar = value as ScalarNode['value']
    const text = scalar === null ? '' : String(scalar)
    return scalarOf(at, scalar, text, typeof scalar === 'string', env, (problem) => refused(problem, path))
  }
  if (bytes.length > MAX_FILE_BYTES)
    refused(`the config is too large: at most ${MAX_FILE_BYTES} bytes (16 MiB) are read`)
  const root =
    diagnostics.length === 0 ? convert(JSON.parse(Buffer.from(bytes).toString('utf8')), new At([]), 0) : undefined
  return { root: diagnostics.length === 0 ? root : undefined, diagnostics, comments: [] }
}
