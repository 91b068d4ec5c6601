import type { Diagnostic } from '../../schema/diagnostics.ts'
import { nodeOf } from '../../schema/node.ts'
import { At, INVALID, type Schema } from '../../schema/schema.ts'

/** Turns an operator's command into an answer; throws {@link BadCommand} where it makes no sense. */
export type Command = (body: unknown) => Promise<unknown>

/** The operator's mistake; the message is shown. */
export class BadCommand extends Error {}

/** The body of a command, checked as config is. Throws {@link BadCommand} with all that is wrong. */
export function readCommand<T>(schema: Schema<T>, body: unknown): T {
  const problems: Diagnostic[] = []
  const value = schema.read(nodeOf(body ?? null), new At(problems))
  if (value !== INVALID) return value
  throw new BadCommand(problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; '))
}
