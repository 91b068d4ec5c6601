import { readQuery } from '../../../core/command.ts'
import type { Operation } from '../../../core/operation.ts'
import { object, optional, withDefault } from '../../../schema/composites.ts'
import { integer, parsed, text } from '../../../schema/scalars.ts'
import { byName, COUNT, choice, each, orNull, record, ref, SHA256, said, TEXT, TIME } from '../../../schema/shape.ts'
import type { AuditIndex } from './audit-index.ts'

/** In a URL, a `+` of an offset would be a space. */
const time = parsed<number>('a time such as 2026-11-30T09:00:00Z', (value) => {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z$/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(ms) ? { problem: '' } : ms
})

const question = object({
  limit: withDefault(integer(1, 1000), 100, 'How many of the latest.'),
  before: optional(integer(1, 1e12), 'Only entries with a smaller number.'),
  actor: optional(text('a name'), 'Name in `who`; without a name, what `by` says.'),
  action: optional(text('an action such as config'), 'As in the entry.'),
  since: optional(time, 'Only entries of this time or later.'),
  until: optional(time, 'Only entries of this time or earlier.'),
})

const SCHEMAS = {
  AuditEntry: record(
    {
      number: COUNT,
      time: TIME,
      action: said('Path of the command below /api/v1; `config` and `start`: configs that came otherwise.', TEXT),
      who: record(
        { by: choice('token', 'proxy', 'file', 'source', 'signal', 'start') },
        { name: TEXT, role: TEXT, peer: TEXT },
      ),
      outcome: choice('ok', 'refused', 'failed', 'begun'),
      previous: said('Hash of the line before.', SHA256),
    },
    {
      request: said('What was asked for, without secrets.', {}),
      before: byName(TEXT),
      after: byName(TEXT),
      status: COUNT,
      problem: TEXT,
      kept: each(TEXT),
      begun: said('Number of the entry that said that it was begun.', COUNT),
    },
  ),
}

export function auditOperations(index: Pick<AuditIndex, 'find'>): readonly Operation[] {
  return [
    {
      kind: 'view',
      path: 'audit',
      needs: 'operator',
      takes: { query: question },
      says: {
        id: 'listAuditEntries',
        tag: 'Gateway',
        summary: 'The latest entries of the audit log that are asked for, the oldest of them first',
        answer: {
          description: 'The entries; with `before` of this answer in the query the next one goes on with older ones.',
          schema: record({ entries: each(ref('AuditEntry')), before: orNull(COUNT, 'there are no older ones') }),
        },
        schemas: SCHEMAS,
      },
      read: async ({ query }) => {
        const { limit, ...filter } = readQuery(question, query)
        const { before, entries } = await index.find(filter, limit)
        return { entries, before: before ?? null }
      },
    },
  ]
}
