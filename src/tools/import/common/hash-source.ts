import type { Plain } from './draft.ts'

/** `hashOn` for a key of nginx such as `$remote_addr`; undefined: it has none. */
export function hashSource(key: string): { readonly [name: string]: Plain } | undefined {
  if (['$remote_addr', '$binary_remote_addr', '$http_x_forwarded_for', '$proxy_add_x_forwarded_for'].includes(key))
    return { client: 'address' }
  if (['$request_uri', '$uri', '$document_uri'].includes(key)) return { path: true }
  const [, kind, name = ''] = /^\$(http|cookie|arg)_(\w+)$/.exec(key) ?? []
  if (kind === 'http') return { header: name.replaceAll('_', '-') }
  if (kind === 'cookie') return { cookie: name }
  return kind === 'arg' ? { query: name } : undefined
}
