import { BadCommand, CommandRefused, NotFound, readCommand, readQuery } from '../../core/command.ts'
import type { CallOptions, ReadCall, Takes } from '../../core/operation.ts'
import { object, withDefault } from '../../schema/composites.ts'
import { oneOf } from '../../schema/scalars.ts'
import { REFUSAL_STATUS } from './contract.ts'

const NOTHING = object({})
const DRY_RUN = object({ dryRun: withDefault(oneOf('true', 'false'), 'false', 'Only report what would happen.') })

/** The status of the answer to a call that ended with this error. */
export function errorStatus(error: unknown): number {
  if (error instanceof CommandRefused) return REFUSAL_STATUS[error.why]
  if (error instanceof NotFound) return REFUSAL_STATUS.missing
  if (error instanceof BadCommand) return 400
  return (error as { statusCode?: number } | null)?.statusCode ?? 500
}

/** The query of an operation that takes none. Throws {@link BadCommand}. */
export function readNothing(query: ReadCall['query']): void {
  readQuery(NOTHING, query)
}

/**
 * How a command is called. Throws {@link BadCommand} for a parameter that the command does not support, such as
 * `?dryrun=true`: a caller that asks for it must not get the command without it.
 */
export function readCall(
  takes: Takes,
  {
    body,
    ifMatch,
    query,
  }: { readonly body: unknown; readonly query: ReadCall['query']; readonly ifMatch: string | undefined },
): Pick<CallOptions, 'dryRun' | 'expected'> {
  if (takes.dryRun !== true && Object.hasOwn(query, 'dryRun')) throw new BadCommand('this command has no dry run')
  if (takes.dryRun !== true) readNothing(query)
  const dryRun = takes.dryRun === true && readQuery(DRY_RUN, query).dryRun === 'true'
  if (takes.expects !== true && ifMatch !== undefined) throw new BadCommand('this command does not support If-Match')
  if (takes.body === undefined) readCommand(NOTHING, body ?? {})
  // An entity tag is quoted.
  return { dryRun, expected: ifMatch?.replace(/^(?:W\/)?"(.*)"$/, '$1') }
}
