import { object, withDefault } from '../../schema/composites.ts'
import type { Diagnostic } from '../../schema/diagnostics.ts'
import { type Node, nodeOf } from '../../schema/node.ts'
import { oneOf } from '../../schema/scalars.ts'
import { At, INVALID, type Schema } from '../../schema/schema.ts'
import type { Takes } from './contract.ts'

const NOTHING = object({})
const DRY_RUN = object({ dryRun: withDefault(oneOf('true', 'false'), 'false', 'Only say what would happen.') })

/** What a command may ask about its call. */
export interface CallOptions {
  /** Only say what would happen. */
  readonly dryRun: boolean
  /** Entity tag that the caller expects, without quotes; undefined: it does not care. */
  readonly ifMatch: string | undefined
}

/**
 * Turns an operator's command into an answer; throws {@link BadCommand} where it makes no sense, {@link CommandRefused} where
 * it can't be carried out.
 */
export interface Command {
  (body: unknown, call: CallOptions): Promise<unknown>
  readonly takes?: Takes
}

/** What a reader asks for. */
export interface ReadCall {
  /** Values of the `:name` segments of the path. */
  readonly params: Readonly<Record<string, string>>
  /** A list where a key came twice; read it with {@link readQuery}. */
  readonly query: Readonly<Record<string, string | readonly string[]>>
}

/** What viewers may read. Throws {@link BadCommand} or {@link NotFound}. */
export interface View {
  (asked: ReadCall): unknown
  readonly takes?: Takes
}

/** The same command or view, with what it takes. */
export function taking<F extends Command | View>(takes: Takes, handler: F): F & { readonly takes: Takes } {
  return Object.assign(handler, { takes })
}

/** The operator's mistake; the message is shown. */
export class BadCommand extends Error {}

/** There is no such thing, or not any more; the message is shown. */
export class NotFound extends Error {}

/** It makes sense and can not be done. The message and the details are shown. */
export class CommandRefused extends Error {
  readonly status: 409 | 412 | 422 | 503
  readonly details: object

  constructor(status: CommandRefused['status'], message: string, details: object = {}) {
    super(message)
    this.status = status
    this.details = details
  }
}

/** The status of the answer to a call that ended with this error. */
export function errorStatus(error: unknown): number {
  if (error instanceof CommandRefused) return error.status
  if (error instanceof BadCommand) return 400
  return (error as { statusCode?: number } | null)?.statusCode ?? 500
}

/** The body of a command, checked as config is. Throws {@link BadCommand} with all that is wrong. */
export function readCommand<T>(schema: Schema<T>, body: unknown): T {
  return readNode(schema, nodeOf(body ?? null))
}

/** The same for a query, where numbers are text. */
export function readQuery<T>(schema: Schema<T>, query: ReadCall['query']): T {
  return readNode(schema, unquoted(nodeOf(query)))
}

/** The query of what takes none. Throws {@link BadCommand}. */
export function readNothing(query: ReadCall['query']): void {
  readQuery(NOTHING, query)
}

/**
 * How a command is called. Throws {@link BadCommand} where something is asked that the command does not know, such as
 * `?dryrun=true`: who asks for it must not get the command without it.
 */
export function readCall(
  takes: Takes,
  { body, ifMatch, query }: { body: unknown; query: ReadCall['query']; ifMatch: string | undefined },
): CallOptions {
  if (takes.dryRun !== true && Object.hasOwn(query, 'dryRun')) throw new BadCommand('this command knows no dry run')
  if (takes.dryRun !== true) readNothing(query)
  const dryRun = takes.dryRun === true && readQuery(DRY_RUN, query).dryRun === 'true'
  if (takes.ifMatch !== true && ifMatch !== undefined) throw new BadCommand('this command knows no If-Match')
  if (takes.body === undefined) readCommand(NOTHING, body ?? {})
  return { dryRun, ifMatch: ifMatch?.replace(/^(?:W\/)?"(.*)"$/, '$1') }
}

function readNode<T>(schema: Schema<T>, node: Node): T {
  const problems: Diagnostic[] = []
  const value = schema.read(node, new At(problems))
  if (value !== INVALID) return value
  throw new BadCommand(problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; '))
}

function unquoted(node: Node): Node {
  if (node.kind === 'scalar') return { ...node, quoted: false }
  if (node.kind === 'list') return node
  const entries = Array.from(node.entries, ([key, entry]) => [key, { ...entry, value: unquoted(entry.value) }] as const)
  return { ...node, entries: new Map(entries) }
}
