import type { AttemptRecord, RequestRecord, SideFacts } from '../../../core/spans.ts'
import { unixPath } from '../../../lib/address.ts'

export type Attributes = Record<string, string | number | boolean>

/** Methods that OpenTelemetry knows; others are written `_OTHER`. */
const METHODS: ReadonlySet<string> = new Set('GET HEAD POST PUT PATCH DELETE OPTIONS CONNECT TRACE QUERY'.split(' '))

/** The contents of one span. OpenTelemetry's semantic conventions for HTTP, 1.45; our names begin with `sluice.`. */
export interface WrittenSpan {
  readonly name: string
  readonly attributes: Attributes
  /** It failed, by the conventions: servers by 5xx, clients from 400 on, both without a whole answer. */
  readonly failed: boolean
}

/** The span of a request. */
export function serverSpan(record: RequestRecord): WrittenSpan {
  const { degraded, failure, gateway, pattern, route, status } = record
  const broken = failure !== undefined && failure.origin !== 'client' && status < 400
  const failed = status >= 500 || broken
  const attributes: Attributes = {
    ...methodOf(record.method),
    'url.scheme': record.secure ? 'https' : 'http',
    'url.path': record.path,
    'server.port': record.localPort,
    'client.address': record.client,
    'network.peer.address': record.peer,
    'network.peer.port': record.peerPort,
    'network.protocol.version': record.protocol.slice('HTTP/'.length),
    'http.response.status_code': status,
    'sluice.gateway': gateway,
    'sluice.listener': record.listener,
    'sluice.route': route,
    'sluice.request_id': record.requestId,
    'sluice.correlation_id': record.correlationId,
  }
  if (record.host !== '') attributes['server.address'] = record.host
  if (record.userAgent !== undefined) attributes['user_agent.original'] = record.userAgent
  if (pattern !== undefined) attributes['http.route'] = pattern
  if (failed) attributes['error.type'] = failure?.reason ?? String(status)
  if (failure !== undefined) {
    attributes['sluice.reason'] = failure.reason
    attributes['sluice.phase'] = failure.phase
    attributes['sluice.origin'] = failure.origin
  }
  if (degraded !== undefined) attributes['sluice.degraded'] = degraded
  if (!record.sampled) attributes['sluice.sampling'] = 'error'
  const method = attributes['http.request.method'] === '_OTHER' ? 'HTTP' : record.method
  return { name: pattern === undefined ? method : `${method} ${pattern}`, attributes, failed }
}

/** The span of a request that a feature made. */
export function sideSpan(record: RequestRecord, { feature, kind }: SideFacts): WrittenSpan {
  const { correlationId, failure, gateway, requestId, route, status } = record
  const failed = status >= 500 || failure !== undefined
  const attributes: Attributes = {
    ...methodOf(record.method),
    'url.path': record.path,
    'http.response.status_code': status,
    'sluice.gateway': gateway,
    'sluice.feature': feature,
    'sluice.request_id': requestId,
    'sluice.correlation_id': correlationId,
  }
  if (route !== '-') attributes['sluice.route'] = route
  if (failed) attributes['error.type'] = failure?.reason ?? String(status)
  if (failure !== undefined) attributes['sluice.reason'] = failure.reason
  return { name: `${kind} ${feature}`, attributes, failed }
}

/** The span of one of its attempts. */
export function clientSpan(record: RequestRecord, attempt: AttemptRecord): WrittenSpan {
  const { beside, endpoint, number, outcome, reason, status, upstream } = attempt
  const failed = status >= 400 || (reason !== undefined && outcome !== 'ignored')
  const attributes: Attributes = {
    ...methodOf(record.method),
    'url.full': unixPath(endpoint) === undefined ? `${endpoint}${record.path}` : `http://localhost${record.path}`,
    ...serverOf(endpoint),
    'sluice.upstream': upstream,
    'sluice.endpoint': endpoint,
    'sluice.outcome': outcome,
    'sluice.connection.reused': attempt.reused,
  }
  if (status !== 0) attributes['http.response.status_code'] = status
  if (number > 1) attributes['http.request.resend_count'] = number - 1
  if (beside) attributes['sluice.hedge'] = true
  if (failed) attributes['error.type'] = reason ?? String(status)
  const method = attributes['http.request.method'] === '_OTHER' ? 'HTTP' : record.method
  return { name: method, attributes, failed }
}

function methodOf(method: string): Attributes {
  if (METHODS.has(method)) return { 'http.request.method': method }
  return { 'http.request.method': '_OTHER', 'http.request.method_original': method }
}

/** Of a socket with a path there is no port. */
function serverOf(endpoint: string): Attributes {
  const path = unixPath(endpoint)
  if (path !== undefined) return { 'server.address': path }
  const colon = endpoint.lastIndexOf(':')
  return {
    'server.address': endpoint.slice(endpoint.indexOf('//') + 2, colon).replace(/^\[|\]$/g, ''),
    'server.port': Number(endpoint.slice(colon + 1)),
  }
}
