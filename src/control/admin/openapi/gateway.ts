import { LEVELS } from '../../../lib/log.ts'
import type { JsonSchema } from '../../../schema/schema.ts'
import { BREAKER_STATES, ENDPOINT_STATES } from '../../contract.ts'
import { ROLES } from '../contract.ts'
import { json, type Operations } from './operation.ts'
import { byName, COUNT, choice, each, FLAG, NUMBER, orNull, record, ref, SHA256, said, TEXT, TIME } from './shape.ts'

const ADDRESS = { host: TEXT, port: COUNT }

export const GATEWAY_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  DrainState: said(
    '`leaving`: nothing new comes in; `cut`: what was left is ended.',
    choice('serving', 'draining', 'leaving', 'cut', 'done'),
  ),
  WorkerState: choice('starting', 'serving', 'stalled', 'ending', 'waiting'),
  EndpointState: choice(...ENDPOINT_STATES),
  BreakerState: choice(...BREAKER_STATES),
  Status: record({
    version: TEXT,
    gateway: said('`gateway.name`.', TEXT),
    uptimeMs: COUNT,
    generation: said('Counts the configs that were live since the start.', COUNT),
    config: ref('ConfigFacts'),
    drain: ref('DrainState'),
    workers: each(ref('Worker')),
    listeners: each(record({ name: TEXT, ...ADDRESS })),
    upstreams: each(
      record({
        name: TEXT,
        algorithm: TEXT,
        keepAliveMs: COUNT,
        idleLimitMs: orNull(COUNT, 'it does not end idle connections sooner than we do, as far as is known'),
        endpoints: each(
          record({
            id: said('Scheme, address and port.', TEXT),
            ...ADDRESS,
            address: TEXT,
            weight: COUNT,
            tier: COUNT,
            zone: orNull(TEXT, 'none is configured'),
            state: ref('EndpointState'),
            inFlight: COUNT,
            connections: COUNT,
          }),
        ),
      }),
    ),
  }),
  Worker: record({
    worker: COUNT,
    state: ref('WorkerState'),
    restarts: COUNT,
    generation: said('Of the config that it serves; 0: none yet.', COUNT),
    heartbeatAgeMs: orNull(NUMBER, 'there is no thread'),
  }),
  ConfigFacts: record(
    { hash: SHA256 },
    {
      source: said('Where the live config came from.', choice('files', 'api', 'rollback', 'last-known-good')),
      file: TEXT,
      restart: said('Keys whose change takes effect with the next start.', each(TEXT)),
      kept: said('Parts of the files that have errors, and what is live in their place.', each(ref('KeptPart'))),
      last: said(
        'The latest attempt to make a config live.',
        record({
          ok: said('All that was written is live.', FLAG),
          trigger: choice('start', 'file', 'signal', 'api'),
          at: TIME,
          problems: each(TEXT),
        }),
      ),
    },
  ),
  LogLevel: record(
    { level: choice(...LEVELS), configured: said('`logging.level`.', choice(...LEVELS)) },
    { until: said('When it is as configured again.', TIME) },
  ),
  Objective: record(
    {
      route: TEXT,
      objective: choice('availability', 'latency'),
      target: said('Share of the requests that should be good.', { ...NUMBER, exclusiveMinimum: 0, maximum: 1 }),
      window: TEXT,
      good: COUNT,
      total: COUNT,
      budgetRemaining: said('Share of the error budget that is left; below 0: overspent.', NUMBER),
    },
    { threshold: said('Of latency, such as `300ms`.', TEXT) },
  ),
  AuditEntry: record(
    {
      number: COUNT,
      time: TIME,
      action: said('Path of the command below /api/v1; `config` and `start`: configs that came otherwise.', TEXT),
      who: record({ by: choice('token', 'proxy', 'file', 'signal', 'start') }, { name: TEXT, role: TEXT, peer: TEXT }),
      outcome: choice('ok', 'refused', 'failed', 'begun'),
      previous: said('Hash of the line before.', SHA256),
    },
    {
      request: said('What was asked for, without secrets.', {}),
      before: byName(TEXT),
      after: byName(TEXT),
      status: COUNT,
      problem: TEXT,
      kept: each(TEXT),
      begun: said('Number of the entry that said that it was begun.', COUNT),
    },
  ),
}

export const GATEWAY_OPERATIONS: Operations = {
  'GET /api/v1/openapi.json': {
    id: 'getDescription',
    tag: 'Gateway',
    summary: 'This document',
    answer: json('OpenAPI 3.1, of the paths that this gateway has.', { type: 'object' }),
  },
  'GET /api/v1/whoami': {
    id: 'getCaller',
    tag: 'Gateway',
    summary: 'Who asks, and in which role',
    answer: json(
      'Name, role, and what proves them.',
      record({
        name: orNull(TEXT, 'nobody’s; none was needed'),
        role: choice(...ROLES),
        by: choice('token', 'proxy', 'nothing'),
      }),
    ),
  },
  'GET /api/v1/status': {
    id: 'getStatus',
    tag: 'Gateway',
    summary: 'What runs: workers, listeners, every endpoint with its state, and the live config',
    answer: json('The status.', ref('Status')),
  },
  'GET /api/v1/slo': {
    id: 'listObjectives',
    tag: 'Gateway',
    summary: 'The objectives of all routes, and what is left of their error budgets',
    answer: json('Of this process, over 30 days at most.', record({ objectives: each(ref('Objective')) })),
  },
  'GET /api/v1/log-level': {
    id: 'getLogLevel',
    tag: 'Gateway',
    summary: 'The level of the operational log',
    answer: json('The level.', ref('LogLevel')),
  },
  'POST /api/v1/log-level': {
    id: 'setLogLevel',
    tag: 'Gateway',
    summary: 'Changes the level of the operational log, for a time or until another config is live',
    answer: json('The level from now on.', ref('LogLevel')),
  },
  'GET /api/v1/audit': {
    id: 'listAuditEntries',
    tag: 'Gateway',
    summary: 'The latest entries of the audit log, the oldest of them first',
    answer: json('The entries.', record({ entries: each(ref('AuditEntry')) })),
  },
}
