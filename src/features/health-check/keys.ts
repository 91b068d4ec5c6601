import { mapped, object, oneOrMany, optional, withDefault } from '../../schema/composites.ts'
import { endpointPort } from '../../schema/mark.ts'
import { duration, integer, oneOf, type Problem, parsed, pattern, text } from '../../schema/scalars.ts'
import type { Infer, Schema } from '../../schema/schema.ts'

/** Both ends included. */
export interface StatusRange {
  readonly from: number
  readonly to: number
}

const statusRange: Schema<StatusRange> = parsed(
  'a status such as 200 or a range such as 200-299',
  (value): StatusRange | Problem => {
    const match = /^(\d{3})(?:-(\d{3}))?$/.exec(value)
    if (match === null) return { problem: '' }
    const from = Number(match[1])
    const to = Number(match[2] ?? match[1])
    if (from < 200 || to > 599) return { problem: 'final statuses go from 200 to 599' }
    return from <= to ? { from, to } : { problem: `write ${to}-${from}` }
  },
  {
    anyOf: [
      { type: 'integer', minimum: 200, maximum: 599 },
      { type: 'string', pattern: '^[2-5]\\d{2}(-[2-5]\\d{2})?$' },
    ],
  },
)

const written = object(
  {
    type: withDefault(
      oneOf('http', 'tcp', 'grpc'),
      'http',
      'What a check does. http: a request. tcp: a connection, with TLS for https endpoints. grpc: a call of grpc.health.v1.Health/Check.',
    ),
    path: optional(
      pattern('a path such as /healthz', /^\/[\x21-\x7e]{0,2047}$/),
      'For http: path and query of the request. Default: /healthz.',
    ),
    host: optional(
      pattern('a host name, with or without a port', /^[A-Za-z0-9._:[\]-]{1,255}$/),
      'For http and grpc: the Host field (or :authority). Default: the endpoint’s own.',
    ),
    method: optional(oneOf('GET', 'HEAD'), 'For http: method of the request. Default: GET.'),
    service: optional(
      pattern('a gRPC service such as shop.Orders', /^[A-Za-z0-9._/-]{1,256}$/),
      'For grpc: the service to check. Default: the server as a whole.',
    ),
    expect: optional(
      object({
        status: withDefault(oneOrMany(statusRange), '200-299', 'Statuses of a healthy endpoint.'),
        body: optional(text('a text'), 'A text that the first 64 KiB of the body must contain.'),
      }),
      'For http: the answer of a healthy endpoint. Default: a status from 200 to 299.',
    ),
    port: optional(endpointPort(), 'Port to check. Default: the endpoint’s own. unix: endpoints have none.'),
    interval: withDefault(
      duration(100, 3_600_000),
      '5s',
      'Time between two checks, ±10 %. A check that contradicts the state is repeated after a fifth of it.',
    ),
    timeout: withDefault(
      duration(10, 60_000),
      '1s',
      'Longest time for a whole check: connection, TLS, request and answer.',
    ),
    healthyAfter: withDefault(integer(1, 100), 2, 'Good checks in a row that bring an endpoint back.'),
    unhealthyAfter: withDefault(
      integer(1, 100),
      3,
      'Failed checks in a row that take an endpoint out. The very first check of an endpoint decides alone.',
    ),
  },
  { misplaced: { status: 'expect.status', body: 'expect.body', url: 'path', grpc: 'type', tcp: 'type' } },
)

type Keys = Infer<typeof written>

/** Keys that apply to one type only. */
const ONLY: readonly (readonly [key: keyof Keys, types: readonly Keys['type'][]])[] = [
  ['path', ['http']],
  ['method', ['http']],
  ['expect', ['http']],
  ['host', ['http', 'grpc']],
  ['service', ['grpc']],
]

const ANY_SUCCESS: readonly StatusRange[] = [{ from: 200, to: 299 }]

/** Keys of `upstreams.NAME.healthCheck`. */
export const keys = mapped(written, (options, refuse) => {
  const { type, path = '/healthz', method = 'GET', service = '', expect, ...rest } = options
  for (const [key, types] of ONLY) {
    if (options[key] !== undefined && !types.includes(type)) return refuse(`${key} does not apply to type ${type}`)
  }
  if (method === 'HEAD' && expect?.body !== undefined) return refuse('answers to HEAD have no body; remove expect.body')
  return { ...rest, type, path, method, service, status: expect?.status ?? ANY_SUCCESS, body: expect?.body }
})

/** For each endpoint. Times in milliseconds. */
export type HealthCheckOptions = Infer<typeof keys>
