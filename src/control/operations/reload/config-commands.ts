import { object, required } from '../../../schema/composites.ts'
import { integer, text } from '../../../schema/scalars.ts'
import { type Command, CommandRefused, readCommand, taking, type View } from '../../admin/command.ts'
import type { Archive } from './archive.ts'
import { EFFECTIVE_QUERY } from './effective.ts'
import { EXPLAIN_QUESTION } from './explain-command.ts'
import { ReloadBusy, ReloadConflict, type Reloader, type ReloadOutcome } from './reloader.ts'

const upload = object({
  yaml: required(text('the text of a config'), 'A whole config, in the place of the main file.'),
})
const target = object({ number: required(integer(1, 1e12), 'Of the history.') })

/** What operators may do to the config, and what they may see of it; by path below /api/v1. */
export function configCommands(reloader: Reloader, archive: Archive) {
  const reload: Command = async () => answer(await inTurn(() => reloader.reload('api')))
  const config = taking<Command>({ body: upload, dryRun: true, ifMatch: true }, async (body, call) => {
    const { yaml } = readCommand(upload, body)
    return answer(await inTurn(() => reloader.put(yaml, call)))
  })
  const rollback = taking<Command>({ body: target }, async (body) => {
    const { number } = readCommand(target, body)
    const kept = await archive.read(number)
    if (kept === undefined) throw new CommandRefused(422, `the history has no config ${number}`)
    return answer(await inTurn(() => reloader.rollback(kept)))
  })
  return {
    questions: { explain: taking<Command>({ body: EXPLAIN_QUESTION }, (body) => reloader.explain(body)) },
    commands: { reload, rollback },
    uploads: { config },
    views: {
      config: () => ({ hash: reloader.config.hash, ...reloader.facts }),
      'config/effective': taking<View>({ query: EFFECTIVE_QUERY }, ({ query }) => reloader.effective(query)),
      history: async () => ({ live: reloader.config.hash, configs: await archive.list() }),
    },
  }
}

function answer({ ok, ...outcome }: ReloadOutcome): object {
  if (ok) return outcome
  throw new CommandRefused(422, `the config was refused: ${outcome.problems[0] ?? ''}`, outcome)
}

async function inTurn(attempt: () => Promise<ReloadOutcome>): Promise<ReloadOutcome> {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof ReloadBusy) throw new CommandRefused(503, error.message)
    if (error instanceof ReloadConflict) throw new CommandRefused(412, error.message)
    throw error
  }
}
