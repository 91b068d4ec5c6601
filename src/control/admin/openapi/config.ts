import type { JsonSchema } from '../../../schema/schema.ts'
import { refusal } from './errors.ts'
import { json, type Operation, type Operations } from './operation.ts'
import { COUNT, choice, each, FLAG, record, ref, SHA256, said, TEXT, TIME } from './shape.ts'

export const CONFIG_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Position: record({ file: TEXT, line: COUNT, column: COUNT }),
  AppliedConfig: record({
    changed: said('Something else is live now.', FLAG),
    hash: said('Of the live config; with `dryRun` of the one that was checked.', SHA256),
    problems: said('Warnings; with `onInvalid: keepGood` errors, too.', each(TEXT)),
    restart: said('Keys whose change takes effect with the next start.', each(TEXT)),
    kept: each(ref('KeptPart')),
  }),
  KeptConfig: record({
    number: said('For `rollback`.', COUNT),
    hash: SHA256,
    savedAt: TIME,
    source: choice('files', 'api', 'rollback', 'last-known-good'),
  }),
  Policy: record({
    name: TEXT,
    stage: said('Policies act in this order.', COUNT),
    why: TEXT,
    values: each(ref('EffectiveValue')),
  }),
  EffectiveValue: record(
    {
      key: said('Below the policy or the key, such as `queue.size`; empty: that as a whole.', TEXT),
      value: said('As one would write it.', TEXT),
      source: said('`route`, `profile NAME`, `upstream`, `defaults` or `built-in`.', TEXT),
    },
    { at: ref('Position') },
  ),
  EffectiveRoute: record({
    route: TEXT,
    hash: SHA256,
    at: ref('Position'),
    upstreams: each(record({ upstream: TEXT, weight: COUNT })),
    failover: each(TEXT),
    policies: each(ref('Policy')),
  }),
  EffectiveUpstream: record({
    upstream: TEXT,
    hash: SHA256,
    at: ref('Position'),
    keys: each(record({ name: TEXT, values: each(ref('EffectiveValue')) })),
  }),
}

const CONFLICTS = {
  422: refusal('The config has errors, and nothing has changed.', ref('RefusedConfig')),
  503: refusal('Other configs are being applied, or the audit log can not be written and is required (`refused`).'),
}

function applies(id: string, summary: string, description?: string): Operation {
  return {
    id,
    tag: 'Config',
    summary,
    ...(description !== undefined && { description }),
    answer: json('It is live in all workers, or nothing had to change.', ref('AppliedConfig')),
    others: CONFLICTS,
  }
}

const put = applies(
  'putConfig',
  'Makes a config live in the place of the main file, until the next reload of the files',
  'At most 32 MiB. The hash for `If-Match` is that of `GET /api/v1/config`.',
)
const rollback = applies('rollback', 'Makes a config of the history live again, until the next reload of the files')

export const CONFIG_OPERATIONS: Operations = {
  'GET /api/v1/config': {
    id: 'getConfig',
    tag: 'Config',
    summary: 'Hash and source of the live config, and how the latest attempt to change it went',
    answer: json('What is live.', ref('ConfigFacts')),
  },
  'POST /api/v1/config': {
    ...put,
    others: { ...CONFLICTS, 412: refusal('Another config is live than `If-Match` names (`refused`).') },
  },
  'GET /api/v1/config/effective': {
    id: 'getEffectiveConfig',
    tag: 'Config',
    summary: 'Every value that holds for a route or an upstream, and who says so',
    description: 'Exactly one of the two is named.',
    answer: json('Of the live config.', { oneOf: [ref('EffectiveRoute'), ref('EffectiveUpstream')] }),
    others: { 404: refusal('The live config has no such route or upstream (`not_found`).') },
  },
  'POST /api/v1/reload': applies('reload', 'Reads the config files again', 'The body is `{}`.'),
  'GET /api/v1/history': {
    id: 'listHistory',
    tag: 'Config',
    summary: 'The configs that were live',
    answer: json('The latest first; at most 20.', record({ live: SHA256, configs: each(ref('KeptConfig')) })),
  },
  'POST /api/v1/rollback': {
    ...rollback,
    others: {
      ...CONFLICTS,
      422: refusal('The history has no such config, or it has errors now.', {
        anyOf: [ref('RefusedConfig'), ref('Error')],
      }),
    },
  },
}
