import type { HashSource } from '../../core/config.ts'
import type { Exchange } from '../../core/exchange.ts'
import { cookieValue } from '../../lib/cookies.ts'
import { murmur3 } from '../../lib/hash.ts'
import { fieldValue } from '../../lib/headers.ts'
import { parseQuery } from '../../lib/query.ts'

/** Hash of the first of the sources that the request has; undefined if it has none. */
export function hashKey(sources: readonly HashSource[], ex: Exchange): number | undefined {
  for (const source of sources) {
    const text = textOf(source, ex)
    if (text !== undefined && text !== '') return murmur3(text)
  }
  return undefined
}

/** Whether the path is the source that is used. */
export function hashesPath(sources: readonly HashSource[], ex: Exchange): boolean {
  for (const source of sources) {
    const text = textOf(source, ex)
    if (text !== undefined && text !== '') return source.from === 'path'
  }
  return false
}

function textOf(source: HashSource, ex: Exchange): string | undefined {
  switch (source.from) {
    case 'header':
      return fieldValue(ex.headers, source.name)
    case 'cookie':
      return cookieValue(ex.headers, source.name)
    case 'query':
      return queryValue(ex.query, source.name)
    case 'client':
      return ex.client
    case 'path':
      return ex.path
  }
}

function queryValue(query: string, name: string): string | undefined {
  const pairs = parseQuery(query)
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1]
  return undefined
}
