import type { Answer } from '../../kit/sluice.ts'
import { seenField, type TestUpstream } from '../../kit/upstream.ts'

const KEPT = ['host', 'x-static', 'x-shop', 'x-drop']

/**
 * Status, Location and body for the client, and what which upstream saw. The first two upstreams are endpoints of one. Ports
 * of the gateways themselves are left out of Location: they cannot be the same.
 */
export async function outcomeOf(
  upstreams: readonly TestUpstream[],
  host: string,
  port: number,
  fetch: (headers: Readonly<Record<string, string>>) => Promise<Answer>,
): Promise<object> {
  for (const upstream of upstreams) upstream.seen.length = 0
  const { body, headers, status } = await fetch({ host, 'x-drop': '1' })
  const seen = upstreams.flatMap((upstream, i) =>
    upstream.seen.map((request) => ({
      upstream: Math.max(1, i),
      target: request.target,
      // $host is in lower case and has no port.
      fields: KEPT.map((name) => `${name}: ${seenField(request, name)?.toLowerCase().replace(':8080', '')}`),
    })),
  )
  const origin = `http://${host.toLowerCase()}`
  const location = headers.location === undefined ? undefined : new URL(headers.location, origin)
  if (location?.port === String(port) || location?.host === new URL(origin).host) location.port = ''
  const fields = { plain: headers['x-plain'], seen: headers['x-seen'] }
  return { status, location: location?.href, body: status === 200 ? body : '', fields, seen }
}
