import type { Diagnostic } from '../schema/diagnostics.ts'
import { type Node, nodeOf } from '../schema/node.ts'
import { At, INVALID, type Schema } from '../schema/schema.ts'
import type { ReadCall, RefusedFor } from './operation.ts'

/** The operator's mistake; the message is shown. */
export class BadCommand extends Error {}

/** There is no such thing, or not any more; the message is shown. */
export class NotFound extends Error {}

/** It makes sense and cannot be done. The message and the details are shown. */
export class CommandRefused extends Error {
  readonly why: RefusedFor
  readonly details: object

  constructor(why: RefusedFor, message: string, details: object = {}) {
    super(message)
    this.why = why
    this.details = details
  }
}

/** The body of a command, checked as config is. Throws {@link BadCommand} with all that is wrong. */
export function readCommand<T>(schema: Schema<T>, body: unknown): T {
  return readNode(schema, nodeOf(body ?? null))
}

/** The same for a query, where numbers are text. */
export function readQuery<T>(schema: Schema<T>, query: ReadCall['query']): T {
  return readNode(schema, unquoted(nodeOf(query)))
}

/** A member of a body that has not been read yet: it may be anything. */
export function memberOf(body: unknown, key: string): unknown {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[key] : undefined
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
