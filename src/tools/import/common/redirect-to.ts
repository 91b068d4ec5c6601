import type { Plain } from './draft.ts'

/**
 * A redirect's address such as `https://$host$request_uri` or `/new`, as keys of `redirect`. Undefined: it cannot be
 * expressed. `dropsQuery`: Sluice keeps the query, the other would not.
 */
export function redirectTo(
  url: string,
): { readonly to: Record<string, Plain>; readonly dropsQuery: boolean } | undefined {
  const [, scheme, authority, rest = ''] =
    /^(?:(https?|\$scheme):\/\/([^/$]+|\$(?:http_)?host|\$server_name))?(\/[^$]*|\$request_uri|\$uri(?:\$is_args\$args)?|)$/.exec(
      url,
    ) ?? []
  const keeps = rest.startsWith('$')
  if (url === '' || (authority === undefined && !rest.startsWith('/')) || /[?#\s{}]/.test(rest)) return undefined
  const to: Record<string, Plain> = {}
  if (scheme === 'http' || scheme === 'https') to.scheme = scheme
  const [, host, port] = /^([^:$]+)(?::(\d+))?$/.exec(authority ?? '') ?? []
  if (authority !== undefined && !authority.startsWith('$') && host === undefined) return undefined
  if (host !== undefined) to.host = host
  if (port !== undefined) to.port = Number(port)
  if (!keeps) to.path = rest === '' ? '/' : rest
  return Object.keys(to).length === 0 ? undefined : { to, dropsQuery: !keeps || rest === '$uri' }
}
