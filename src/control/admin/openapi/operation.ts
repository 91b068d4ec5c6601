import type { JsonSchema } from '../../../schema/schema.ts'

export const TAGS = {
  Gateway: 'What runs, and how it does.',
  Requests: 'Single requests: what became of them, and what would.',
  Traffic: 'Endpoints and circuit breakers: seen, and taken in hand.',
  Config: 'What is live, what was, and what shall be.',
  Probes: 'For orchestrators and Prometheus; on the address of `probes`, too.',
} as const

/** A media type of an answer. `x-events`: the data of server-sent events, by their name. */
export interface Content {
  readonly schema: JsonSchema
  readonly 'x-events'?: Readonly<Record<string, JsonSchema>>
}

export interface Response {
  readonly description: string
  readonly content: Readonly<Record<string, Content>>
}

/** What a route is for and what it answers. What it takes and who may is known from the route itself. */
export interface Operation {
  /** Unique, for generated clients. */
  readonly id: string
  readonly tag: keyof typeof TAGS
  readonly summary: string
  readonly description?: string
  readonly answer: Response
  /** Parameters in the path, and what they are. */
  readonly path?: Readonly<Record<string, string>>
  /** Other answers than the one with 200 and those that all routes share, by status. */
  readonly others?: Readonly<Record<number, Response>>
}

/** By method and path as in the routes: `GET /api/v1/requests/:id`. */
export type Operations = Readonly<Record<string, Operation>>

export function json(description: string, schema: JsonSchema): Response {
  return { description, content: { 'application/json': { schema } } }
}

/** Server-sent events; `events`: their data, by name. */
export function eventStream(description: string, events: Readonly<Record<string, JsonSchema>>): Response {
  return { description, content: { 'text/event-stream': { schema: { type: 'string' }, 'x-events': events } } }
}
