/**
 * Field names with `_` that some upstreams (CGI, WSGI, PHP and others that make variables of names) can't tell from a
 * field that a gateway sets or judges: `X_Forwarded_For` and `X-Forwarded-For` both become `HTTP_X_FORWARDED_FOR`. A client
 * could forge its address that way, so these are dropped; all other names with `_` are kept.
 */
export function isConfusable(name: string): boolean {
  if (!name.includes('_')) return false
  const plain = name.replaceAll('_', '-').toLowerCase()
  return plain.startsWith('x-forwarded-') || plain.startsWith('sluice-') || OURS.has(plain)
}

const OURS: ReadonlySet<string> = new Set([
  'host',
  'via',
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-request-id',
  'x-correlation-id',
  'x-envoy-attempt-count',
  'content-length',
  'transfer-encoding',
])

/** Takes the confusable fields out of a flat list, in place. */
export function dropConfusable(headers: string[]): void {
  let kept = 0
  for (let i = 0; i < headers.length; i += 2) {
    if (isConfusable(headers[i] as string)) continue
    headers[kept++] = headers[i] as string
    headers[kept++] = headers[i + 1] as string
  }
  headers.length = kept
}
