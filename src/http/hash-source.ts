import type { HashSource } from '../core/config.ts'
import { mapped, type ObjectOf, object, oneOrMany, optional } from '../schema/composites.ts'
import { oneOf, parsed, pattern } from '../schema/scalars.ts'
import type { Schema } from '../schema/schema.ts'

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const yes = parsed<true>('true', (value) => (value === 'true' ? true : { problem: '' }), { const: true })

const sources = {
  header: optional(pattern('the name of a header field', TOKEN), 'A header field of the request.'),
  cookie: optional(pattern('the name of a cookie', TOKEN), 'A cookie.'),
  query: optional(pattern('a key of the query', /^[\x20-\x7e]+$/), 'The first value of a key of the query.'),
  client: optional(oneOf('address'), 'The address of the client, after trust.proxies.'),
  path: optional(yes, 'The path, without query.'),
}

const hashSource: Schema<HashSource> = mapped(object(sources), (written, refuse) => {
  const found = sourcesIn(written)
  const [first, ...more] = found
  if (first === undefined || more.length > 0) {
    return refuse(`exactly one of ${Object.keys(sources).join(', ')} is needed; write a list for several`)
  }
  return first
})

function sourcesIn({ header, cookie, query, client, path }: ObjectOf<typeof sources>): HashSource[] {
  const found: HashSource[] = []
  if (header !== undefined) found.push({ from: 'header', name: header.toLowerCase() })
  if (cookie !== undefined) found.push({ from: 'cookie', name: cookie })
  if (query !== undefined) found.push({ from: 'query', name: query })
  if (client !== undefined) found.push({ from: 'client' })
  if (path !== undefined) found.push({ from: 'path' })
  return found
}

/**
 * What keys are made of: `{ header: NAME }` and the like, one or a list, of which the first present in the request is used.
 */
export const hashOn: Schema<readonly HashSource[]> = oneOrMany(hashSource)
