import { createHash } from 'node:crypto'

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/
const QUERY_DIGITS = 8

/** Whether the name of a config is a URL rather than a path. */
export function isUrl(name: string): boolean {
  return /^https?:\/\//i.test(name)
}

/** The URL of a config; a text says what is wrong with it. `secured`: what protects the way there besides TLS. */
export function configUrl(
  name: string,
  { signed, token }: { readonly signed: boolean; readonly token: boolean },
): URL | string {
  const url = URL.parse(name)
  if (url === null) return 'it is no URL'
  if (!isUrl(url.href)) return 'it is no URL of http or https'
  if (url.username !== '' || url.password !== '')
    return 'a URL is shown in logs; a token goes into --config-token-file FILE or SLUICE_CONFIG_TOKEN'
  url.hash = ''
  if (url.protocol === 'https:' || LOOPBACK.test(url.hostname)) return url
  if (token) return 'plain HTTP: the token could be read on its way; use https'
  if (!signed) return 'plain HTTP: the config could be changed on its way; use https, or signatures (--config-key FILE)'
  return url
}

/** As it is shown and kept. Of a query only what tells it from others: it may hold secrets. */
export function sourceName({ origin, pathname, search }: URL): string {
  if (search === '') return `${origin}${pathname}`
  return `${origin}${pathname}?${createHash('sha256').update(search).digest('hex').slice(0, QUERY_DIGITS)}`
}

/** Where the detached signature is. */
export function signatureUrl(url: URL): URL {
  const signature = new URL(url)
  signature.pathname += '.sig'
  return signature
}
