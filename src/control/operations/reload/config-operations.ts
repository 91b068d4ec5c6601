import { CommandRefused, readCommand } from '../../../core/command.ts'
import { isUnavailable } from '../../../core/link.ts'
import type { Command, Description, Details, Operation } from '../../../core/operation.ts'
import { object, required } from '../../../schema/composites.ts'
import { integer, text } from '../../../schema/scalars.ts'
import { each, FLAG, record, ref, SHA256, said, TEXT } from '../../../schema/shape.ts'
import type { Archive } from './archive.ts'
import { CONFIG_SCHEMAS } from './config-schemas.ts'
import { EFFECTIVE_QUERY } from './effective.ts'
import { EXPLAIN_QUESTION } from './explain-command.ts'
import { EXPLANATION_SCHEMAS } from './explanation-schemas.ts'
import { ReloadBusy, ReloadConflict, type ReloadOutcome } from './reload-outcome.ts'
import type { Reloader } from './reloader.ts'

const upload = object({
  yaml: required(text('the text of a config'), 'A whole config, in the place of the main file.'),
})
const target = object({ number: required(integer(1, 1e12), 'Of the history.') })

/** What operators may do to the config, and what they may see of it. */
export function configOperations(reloader: Reloader, archive: Archive): readonly Operation[] {
  return [...configCommands(reloader, archive), ...configViews(reloader, archive)]
}

function configCommands(reloader: Reloader, archive: Archive): readonly Command[] {
  const changes = () => ({ config: reloader.config.hash })
  return [
    {
      kind: 'command',
      path: 'reload',
      says: applies({ id: 'reload', summary: 'Reads the config files again', description: 'The body is `{}`.' }),
      run: async () => answer(await inTurn(() => reloader.reload('api'))),
      changes,
    },
    {
      kind: 'command',
      path: 'config',
      large: true,
      takes: { body: upload, dryRun: true, expects: true },
      says: applies(
        {
          id: 'putConfig',
          summary: 'Makes a config live in the place of the main file, until the next reload of the files',
          description: 'At most 32 MiB. The hash for `If-Match` is that of `GET /api/v1/config`.',
        },
        { changed: { description: 'Another config is live than `If-Match` names (`refused`).' } },
      ),
      run: async (body, call) => {
        const { yaml } = readCommand(upload, body)
        return answer(await inTurn(() => reloader.put(yaml, call)))
      },
      changes,
    },
    {
      kind: 'command',
      path: 'rollback',
      takes: { body: target },
      says: applies(
        {
          id: 'rollback',
          summary: 'Makes a config of the history live again, until the next reload of the files',
        },
        { invalid: { description: 'The history has no such config, or it has errors now.', details: UNCHANGED } },
      ),
      run: async (body) => {
        const { number } = readCommand(target, body)
        const kept = await archive.read(number)
        if (isUnavailable(kept))
          throw new CommandRefused('unavailable', `the history cannot be read: ${kept.unavailable}`)
        if (kept !== undefined) return answer(await inTurn(() => reloader.rollback(kept)))
        const problem = `the history has no config ${number}`
        const { hash } = reloader.config
        throw new CommandRefused('invalid', problem, {
          changed: false,
          hash,
          problems: [problem],
          restart: [],
          kept: [],
          inHistory: reloader.inHistory,
        })
      },
      changes,
    },
  ]
}

function configViews(reloader: Reloader, archive: Archive): readonly Operation[] {
  return [
    {
      kind: 'view',
      path: 'config',
      says: {
        id: 'getConfig',
        tag: 'Config',
        summary: 'Hash and source of the live config, and how the latest attempt to change it went',
        answer: { description: 'What is live.', schema: ref('ConfigFacts') },
        schemas: CONFIG_SCHEMAS,
      },
      read: () => ({ hash: reloader.config.hash, ...reloader.facts }),
    },
    {
      kind: 'view',
      path: 'config/effective',
      takes: { query: EFFECTIVE_QUERY },
      says: {
        id: 'getEffectiveConfig',
        tag: 'Config',
        summary: 'Every value that holds for a route or an upstream, and where it comes from',
        description: 'Exactly one of the two is named.',
        answer: {
          description: 'Of the live config.',
          schema: { oneOf: [ref('EffectiveRoute'), ref('EffectiveUpstream')] },
        },
        refusals: { missing: { description: 'The live config has no such route or upstream (`not_found`).' } },
        schemas: CONFIG_SCHEMAS,
      },
      read: ({ query }) => reloader.effective(query),
    },
    {
      kind: 'view',
      path: 'history',
      says: {
        id: 'listHistory',
        tag: 'Config',
        summary: 'The configs that were live',
        answer: {
          description: 'The latest first; at most 20.',
          schema: record({ live: SHA256, configs: each(ref('KeptConfig')) }),
        },
        refusals: { unavailable: { description: 'It cannot be read (`refused`).' } },
        schemas: CONFIG_SCHEMAS,
      },
      read: async () => {
        const configs = await archive.list()
        if (!isUnavailable(configs)) return { live: reloader.config.hash, configs }
        throw new CommandRefused('unavailable', `the history cannot be read: ${configs.unavailable}`)
      },
    },
    {
      kind: 'question',
      path: 'explain',
      takes: { body: EXPLAIN_QUESTION },
      says: {
        id: 'explainRequest',
        tag: 'Requests',
        summary:
          'What the live config does with a request: its route, why no other one, and all values that hold for it',
        description: 'It changes nothing, and sends nothing.',
        answer: { description: 'What tends to be secret reads `***`.', schema: ref('Explanation') },
        schemas: EXPLANATION_SCHEMAS,
      },
      ask: (body) => reloader.explain(body),
    },
  ]
}

/** What the refusal of a config says beside what every error does. */
const UNCHANGED: Details = {
  name: 'RefusedConfig',
  fields: {
    changed: { const: false },
    hash: said('Of the config that stays live.', SHA256),
    problems: said('Errors, then warnings: `file:line:column: path: what is wrong`.', each(TEXT)),
    restart: each(TEXT),
    kept: each(ref('KeptPart')),
    inHistory: FLAG,
  },
}

function applies(
  says: Pick<Description, 'id' | 'summary' | 'description'>,
  refusals: Description['refusals'] = {},
): Description {
  return {
    ...says,
    tag: 'Config',
    answer: { description: 'It is live in all workers, or nothing had to change.', schema: ref('AppliedConfig') },
    refusals: {
      invalid: { description: 'The config has errors, and nothing has changed.', details: UNCHANGED },
      unavailable: {
        description: 'Other configs are being applied, or the audit log cannot be written and is required (`refused`).',
      },
      ...refusals,
    },
    schemas: CONFIG_SCHEMAS,
  }
}

function answer({ diagnostics: _, ok, ...outcome }: ReloadOutcome): object {
  if (ok) return outcome
  throw new CommandRefused('invalid', `the config was refused: ${outcome.problems[0] ?? ''}`, outcome)
}

async function inTurn(attempt: () => Promise<ReloadOutcome>): Promise<ReloadOutcome> {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof ReloadBusy) throw new CommandRefused('unavailable', error.message)
    if (error instanceof ReloadConflict) throw new CommandRefused('changed', error.message)
    throw error
  }
}
