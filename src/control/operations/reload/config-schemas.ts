import { FETCH_FAILURES } from '../../../config/sources/fetch-text.ts'
import { SOURCE_KINDS } from '../../../config/sources/source.ts'
import { byName, COUNT, choice, each, FLAG, record, ref, SHA256, said, TEXT, TIME } from '../../../schema/shape.ts'
import { TRIGGERS } from '../../contract.ts'
import { CONFIG_ORIGINS } from './archive.ts'

/** The live config and how the latest attempt to change it went. */
export const CONFIG_FACTS = {
  KeptPart: record({
    kind: choice('routes', 'upstreams'),
    name: TEXT,
    became: said('`left out`: there is no good version of it.', choice('as it was', 'left out')),
  }),
  ConfigFrom: record(
    { kind: choice(...SOURCE_KINDS), name: said('A path, or a URL without what may be secret.', TEXT) },
    {
      checkedAt: said('The latest look at it.', TIME),
      readAt: said('The latest look that worked.', TIME),
      etag: TEXT,
      sha256: said('Of the text that was read last.', SHA256),
      signer: said('The key that its signature is of.', TEXT),
      problem: said(
        'Why it cannot be read now.',
        record({ reason: choice(...FETCH_FAILURES), text: TEXT, since: TIME }),
      ),
      failures: said('Looks that failed, by reason.', byName(COUNT)),
    },
  ),
  ConfigFacts: record(
    { hash: SHA256 },
    {
      source: said('Where the live config came from.', choice(...CONFIG_ORIGINS)),
      from: ref('ConfigFrom'),
      file: TEXT,
      restart: said('Keys whose change takes effect with the next start.', each(TEXT)),
      kept: said('Parts of the files that have errors, and what is live in their place.', each(ref('KeptPart'))),
      last: said(
        'The latest attempt to make a config live.',
        record({
          ok: said('All that was written is live.', FLAG),
          trigger: choice(...TRIGGERS),
          at: TIME,
          problems: each(TEXT),
        }),
      ),
    },
  ),
}

/** Configs, and what holds for their parts. */
export const CONFIG_SCHEMAS = {
  ...CONFIG_FACTS,
  Position: record({ file: TEXT, line: COUNT, column: COUNT }),
  AppliedConfig: record({
    changed: said('Something else is live now.', FLAG),
    hash: said('Of the live config; with `dryRun` of the one that was checked.', SHA256),
    problems: said('Warnings; with `onInvalid: keepGood` errors, too.', each(TEXT)),
    restart: said('Keys whose change takes effect with the next start.', each(TEXT)),
    kept: each(ref('KeptPart')),
    inHistory: said(
      'The live config is in the history, on disk: `rollback` and `--last-known-good` find it after a restart, too.',
      FLAG,
    ),
  }),
  KeptConfig: record({
    number: said('For `rollback`.', COUNT),
    hash: SHA256,
    savedAt: TIME,
    source: choice(...CONFIG_ORIGINS),
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
      value: said('As written in a config.', TEXT),
      source: said('`route`, `profile NAME`, `upstream`, `gateway`, `defaults` or `built-in`.', TEXT),
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
