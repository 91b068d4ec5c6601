import type { DrillStage } from '../../../src/tools/drill/drill.ts'
import { TOP } from '../../kit/sluice.ts'

/** What the three gateways are told alike. */
export interface Plan {
  /** Route path by upstream. */
  readonly routes: Readonly<Record<string, string>>
  /** Requests that one endpoint gets at a time; undefined: as many as there are. */
  readonly maxPerEndpoint: number | undefined
}

type Endpoints = DrillStage['endpoints']

const ATTEMPT_MS = 500
const WAIT_MS = 200
const QUEUE = 30

export function sluiceConfig({ maxPerEndpoint, routes }: Plan, port: number, endpoints: Endpoints): string {
  const top = port === 0 ? TOP : `listeners:\n  web: { listen: "127.0.0.1:${port}" }\n`
  const shown = (endpoint: number): string =>
    maxPerEndpoint === undefined
      ? `"http://127.0.0.1:${endpoint}"`
      : `{ url: "http://127.0.0.1:${endpoint}", maxConcurrent: ${maxPerEndpoint} }`
  const upstreams = Object.keys(routes).flatMap((name) => [
    `  ${name}:`,
    `    endpoints: [${portsOf(endpoints, name).map(shown).join(', ')}]`,
    '    healthCheck: { interval: 500ms, healthyAfter: 2, unhealthyAfter: 3 }',
    '    outlierDetection: { baseEjection: 2s, maxEjection: 2s, endOnHealthy: true }',
  ])
  const queue =
    maxPerEndpoint === undefined
      ? []
      : [
          `    bulkhead: { maxConcurrent: ${maxPerEndpoint * Object.values(endpoints).flat().length}, queue: { size: ${QUEUE}, maxWait: ${WAIT_MS}ms } }`,
        ]
  const rows = Object.entries(routes).flatMap(([name, path]) => [
    `  ${name}:`,
    `    match: { path: ${path === '/' ? '/*' : path} }`,
    `    to: ${name}`,
    `    timeouts: { request: ${2 * ATTEMPT_MS}ms, attempt: ${ATTEMPT_MS}ms }`,
    '    retries: { when: [connect, reset, timeout, 502, 503, 504] }',
    '    circuitBreaker: { openFor: 1s, maxOpenFor: 2s, halfOpen: { ramp: 1s } }',
    ...queue,
  ])
  return `${top}upstreams:\n${upstreams.join('\n')}\nroutes:\n${rows.join('\n')}\n`
}

export function nginxConfig({ maxPerEndpoint, routes }: Plan, port: number, endpoints: Endpoints): string {
  const most = maxPerEndpoint === undefined ? '' : ` max_conns=${maxPerEndpoint}`
  const upstreams = Object.keys(routes).map((name) => {
    const servers = portsOf(endpoints, name).map(
      (endpoint) => `  server 127.0.0.1:${endpoint} max_fails=5 fail_timeout=2s${most};`,
    )
    return [`upstream ${name} {`, `  zone ${name} 64k;`, '  least_conn;', ...servers, '  keepalive 64;', '}'].join('\n')
  })
  const locations = Object.entries(routes).map(([name, path]) => `  location ${path} { proxy_pass http://${name}; }`)
  return `${upstreams.join('\n')}
server {
  listen 127.0.0.1:${port};
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_connect_timeout ${ATTEMPT_MS}ms;
  proxy_send_timeout ${ATTEMPT_MS}ms;
  proxy_read_timeout ${ATTEMPT_MS}ms;
  proxy_next_upstream error timeout http_502 http_503 http_504;
  proxy_next_upstream_tries 2;
  proxy_next_upstream_timeout ${2 * ATTEMPT_MS}ms;
${locations.join('\n')}
}
`
}

export function haproxyConfig({ maxPerEndpoint, routes }: Plan, port: number, endpoints: Endpoints): string {
  const most = maxPerEndpoint === undefined ? '' : ` maxconn ${maxPerEndpoint} maxqueue ${QUEUE}`
  const rules = Object.entries(routes).map(([name, path]) => `  use_backend ${name} if { path_beg ${path} }`)
  const backends = Object.keys(routes).map((name) =>
    [
      `backend ${name}`,
      '  balance leastconn',
      '  option httpchk',
      // The endpoints know checks by this name and don't count them.
      '  http-check send meth GET uri / hdr User-Agent sluice-health-check hdr Host localhost',
      '  option redispatch 1',
      '  retries 1',
      '  retry-on conn-failure empty-response response-timeout 502 503 504',
      `  default-server check inter 500ms fall 3 rise 2 observe layer7 error-limit 5 on-error mark-down${most}`,
      ...portsOf(endpoints, name).map((endpoint, i) => `  server ${name}${i + 1} 127.0.0.1:${endpoint}`),
    ].join('\n'),
  )
  return `global
  nbthread 1
  maxconn 8192
defaults
  mode http
  http-reuse safe
  timeout connect ${ATTEMPT_MS}ms
  timeout server ${ATTEMPT_MS}ms
  timeout queue ${maxPerEndpoint === undefined ? ATTEMPT_MS : WAIT_MS}ms
  timeout client 60s
  timeout check ${ATTEMPT_MS}ms
frontend web
  bind 127.0.0.1:${port}
${rules.join('\n')}
${backends.join('\n')}
`
}

function portsOf(endpoints: Endpoints, upstream: string): readonly number[] {
  return (endpoints[upstream] ?? []).map(({ port }) => port)
}
