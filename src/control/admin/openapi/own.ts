import { ROLES } from '../../../core/operation.ts'
import { choice, orNull, record, TEXT } from '../../../schema/shape.ts'
import { json, type RouteDescription } from './description.ts'

/** The description of the paths about the API itself. */
export const OWN_PAGES = {
  openapi: {
    id: 'getDescription',
    tag: 'Gateway',
    summary: 'This document',
    answer: json('OpenAPI 3.1, of the paths that this gateway has.', { type: 'object' }),
    others: {},
  },
  whoami: {
    id: 'getCaller',
    tag: 'Gateway',
    summary: 'The caller, and its role',
    answer: json(
      'Name, role, and what proves them.',
      record({
        name: orNull(TEXT, 'no token was needed'),
        role: choice(...ROLES),
        by: choice('token', 'proxy', 'nothing'),
      }),
    ),
    others: {},
  },
} as const satisfies Record<string, RouteDescription>
