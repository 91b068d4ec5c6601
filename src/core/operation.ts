/**
 * What operators may do and see. A part that has something to offer makes operations of it; the admin API serves them, describes
 * them and lets in who may.
 */

import type { JsonSchema, Schema } from '../schema/schema.ts'

/** In rising order: each may do what the ones before may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const

/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number]

/** Who calls. */
export interface Caller {
  /** Of the token, or as the proxy says; undefined: none was needed. */
  readonly name: string | undefined
  readonly role: Role
  readonly by: 'token' | 'proxy' | 'nothing'
}

/** What an operation takes: its description shows it, and it reads by the same schemas. */
export interface Takes {
  /** An object of its keys. */
  readonly query?: Schema<unknown>
  readonly body?: Schema<unknown>
  /** It can only say what would happen. */
  readonly dryRun?: boolean
  /** The caller may name the config that it takes for the live one. */
  readonly expects?: boolean
}

/** What a reader asks for. */
export interface ReadCall {
  /** Values of the `:name` segments of the path. */
  readonly params: Readonly<Record<string, string>>
  /** A list where a key came twice; read it with `readQuery`. */
  readonly query: Readonly<Record<string, string | readonly string[]>>
}

/** What a command may ask about its call. */
export interface CallOptions {
  /** Only say what would happen. */
  readonly dryRun: boolean
  /** Hash of the config that the caller takes for the live one; undefined: it does not care. */
  readonly expected: string | undefined
}

/** Values that a command may change, as short texts by name. */
export type AuditedState = Readonly<Record<string, string>>

/** Why a command that makes sense cannot be carried out: another config is live, what it says has errors, not now. */
export type RefusedFor = 'changed' | 'invalid' | 'unavailable'

/** The chapters of the API description, with what each is about. */
export const TAGS = {
  Gateway: 'What runs, and how it does.',
  Requests: 'Single requests: what became of them, and what would.',
  Traffic: 'Endpoints and circuit breakers: seen, and taken in hand.',
  Config: 'What is live, what was, and what is to be.',
  Probes: 'For orchestrators and Prometheus; on the address of `probes`, too.',
} as const

/** What an answer says where it fails, beside what every error does; `name`: as `ref` names it. */
export interface Details {
  readonly name: string
  readonly fields: Readonly<Record<string, JsonSchema>>
}

/** What the description of the API says of an operation, beside what it takes and who may. */
export interface Description {
  /** Unique, for generated clients. */
  readonly id: string
  readonly tag: keyof typeof TAGS
  readonly summary: string
  readonly description?: string
  /** Parameters in the path, and what they are. */
  readonly params?: Readonly<Record<string, string>>
  /** Of events: what each of them holds, by name. */
  readonly answer:
    | { readonly description: string; readonly schema: JsonSchema }
    | { readonly description: string; readonly events: Readonly<Record<string, JsonSchema>> }
  /** Where it fails in ways of its own; `missing`: there is no such thing. */
  readonly refusals?: Readonly<
    Partial<Record<RefusedFor | 'missing', { readonly description: string; readonly details?: Details }>>
  >
  /** Those that `ref` names, unless another operation has them. */
  readonly schemas?: Readonly<Record<string, JsonSchema>>
}

interface Offered {
  /** Below /api/v1; `:name` stands for a segment. */
  readonly path: string
  readonly takes?: Takes
  readonly says: Description
}

/** Something to read. */
export interface View extends Offered {
  readonly kind: 'view'
  /** Without it viewers may. */
  readonly needs?: Role
  /** Throws `BadCommand` or `NotFound`. */
  read(asked: ReadCall): unknown
}

/** Something that viewers may ask, with a body; it changes nothing. */
interface Question extends Offered {
  readonly kind: 'question'
  /** Rejects with `BadCommand`. */
  ask(body: unknown): Promise<unknown>
}

/** Something that operators may do. Each call is recorded. */
export interface Command extends Offered {
  readonly kind: 'command'
  /** Its body may be as large as a config. */
  readonly large?: boolean
  /** Rejects with `BadCommand` where it makes no sense, with `CommandRefused` where it cannot be carried out. */
  run(body: unknown, call: CallOptions): Promise<unknown>
  /** What it may change, recorded as it was before and after; `body` may be anything. */
  changes?(body: unknown): AuditedState
}

/** Something that is told as it happens. */
export interface Events extends Offered {
  readonly kind: 'events'
  /** Without it viewers may. */
  readonly needs?: Role
  /** Reads what is asked for: throws `BadCommand` or `NotFound` before anything is sent. */
  open(asked: ReadCall): Begin
}

/** Anything that operators may do or see through the admin API; `kind` tells which. */
export type Operation = View | Question | Command | Events

/** Begins to send; returns what to call when the reader is gone. */
export type Begin = (reader: EventReader) => () => void

/** One who listens. */
export interface EventReader {
  /** False: it is too slow, and this one is lost. */
  send(event: string, data: unknown): boolean
  /** So many were lost before they came here. */
  lose(count: number): void
  /** Nothing follows. */
  end(): void
}
