/**
 * Operations for operators. A part of the control plane makes them; the admin API serves them, describes them and admits
 * the roles that may use them.
 */

import type { JsonSchema, Schema } from '../schema/schema.ts'

/** In rising order: each may do what the previous ones may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const

/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number]

/** The caller of an operation. */
export interface Caller {
  /** Name of the token, or as the proxy says; undefined: none was needed. */
  readonly name: string | undefined
  readonly role: Role
  readonly by: 'token' | 'proxy' | 'nothing'
}

/** Inputs of an operation: the description shows them, and they are read by the same schemas. */
export interface Takes {
  /** Schema of an object with its keys. */
  readonly query?: Schema<unknown>
  readonly body?: Schema<unknown>
  /** It supports a dry run. */
  readonly dryRun?: boolean
  /** The caller may name the config that it expects to be live. */
  readonly expects?: boolean
}

/** The inputs of a view. */
export interface ReadCall {
  /** Values of the `:name` segments of the path. */
  readonly params: Readonly<Record<string, string>>
  /** A list if a key came twice; read it with `readQuery`. */
  readonly query: Readonly<Record<string, string | readonly string[]>>
}

/** How a command is called. */
export interface CallOptions {
  /** Only report what would happen. */
  readonly dryRun: boolean
  /** Hash of the config that the caller expects to be live; undefined: any. */
  readonly expected: string | undefined
  readonly who: Caller
  /** Aborted once no answer is awaited any more: the caller has left, or has it. */
  readonly left: AbortSignal
}

/** Values that a command may change, as short texts by name. */
export type AuditedState = Readonly<Record<string, string>>

/**
 * Why a valid command cannot be carried out. changed: another config is live. invalid: its content has errors. unavailable:
 * not now.
 */
export type RefusedFor = 'changed' | 'invalid' | 'unavailable'

/** The chapters of the API description, with what each is about. */
export const TAGS = {
  Gateway: 'What runs, and its state.',
  Requests: 'Single requests: what became of them, and what would become of others.',
  Traffic: 'Endpoints and circuit breakers: their state, and commands for them.',
  Config: 'The live config, earlier ones, and new ones.',
  Probes: 'For orchestrators and Prometheus; also on the address of `probes`.',
} as const

/** Further fields of an error, besides those of every error; `name`: as `ref` names it. */
export interface Details {
  readonly name: string
  readonly fields: Readonly<Record<string, JsonSchema>>
}

/** The description of an operation in the API document, besides its inputs and role. */
export interface Description {
  /** Unique, for generated clients. */
  readonly id: string
  readonly tag: keyof typeof TAGS
  readonly summary: string
  readonly description?: string
  /** Parameters in the path, and what they are. */
  readonly params?: Readonly<Record<string, string>>
  /** Of events: the data of each, by name. */
  readonly answer:
    | { readonly description: string; readonly schema: JsonSchema }
    | { readonly description: string; readonly events: Readonly<Record<string, JsonSchema>> }
  /** Errors of its own, by status; `missing`: the thing does not exist. */
  readonly refusals?: Readonly<
    Partial<Record<RefusedFor | 'missing', { readonly description: string; readonly details?: Details }>>
  >
  /** Schemas that `ref` names, unless another operation has them. */
  readonly schemas?: Readonly<Record<string, JsonSchema>>
}

interface Offered {
  /** Below /api/v1; `:name` stands for a segment. */
  readonly path: string
  readonly takes?: Takes
  readonly says: Description
}

/** An operation that reads. */
export interface View extends Offered {
  readonly kind: 'view'
  /** Least role; default: viewer. */
  readonly needs?: Role
  /** Throws `BadCommand` or `NotFound`. */
  read(asked: ReadCall): unknown
}

/** A question with a body; it changes nothing, and viewers may ask it. */
interface Question extends Offered {
  readonly kind: 'question'
  /** Rejects with `BadCommand`. */
  ask(body: unknown): Promise<unknown>
}

/** An operation that changes something. Each call is recorded. */
export interface Command extends Offered {
  readonly kind: 'command'
  /** Its body may be as large as a config. */
  readonly large?: boolean
  /** Least role; default: operator. */
  readonly needs?: Role
  /**
   * Rejects with `BadCommand` if it is not valid, with `CommandRefused` if it cannot be carried out. A `Readable` holds the
   * JSON of a large answer.
   */
  run(body: unknown, call: CallOptions): Promise<unknown>
  /** The values that it may change, recorded before and after; `body` may be anything. */
  changes?(body: unknown): AuditedState
}

/** A stream of events. */
export interface Events extends Offered {
  readonly kind: 'events'
  /** Least role; default: viewer. */
  readonly needs?: Role
  /** Reads the query: throws `BadCommand` or `NotFound` before anything is sent. */
  open(asked: ReadCall): Begin
}

/** Anything that operators may do or see through the admin API; `kind` tells which. */
export type Operation = View | Question | Command | Events

/** Begins to send; returns the function to call when the reader is gone. */
export type Begin = (reader: EventReader) => () => void

/** The reader of a stream of events. */
export interface EventReader {
  /** False: the reader is too slow, and this event is lost. */
  send(event: string, data: unknown): boolean
  /** `count` events were lost before they got here. */
  lose(count: number): void
  /** The last call: nothing follows. */
  end(): void
}
