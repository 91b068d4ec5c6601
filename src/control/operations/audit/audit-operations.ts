import { readQuery } from '../../../core/command.ts'
import type { Operation } from '../../../core/operation.ts'
import { object, withDefault } from '../../../schema/composites.ts'
import { integer } from '../../../schema/scalars.ts'
import { byName, COUNT, choice, each, record, ref, SHA256, said, TEXT, TIME } from '../../../schema/shape.ts'
import type { AuditLog } from './audit-log.ts'

const question = object({ limit: withDefault(integer(1, 1000), 100, 'How many of the latest.') })

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

export function auditOperations(entries: Pick<AuditLog, 'latest'>): readonly Operation[] {
  return [
    {
      kind: 'view',
      path: 'audit',
      needs: 'operator',
      takes: { query: question },
      says: {
        id: 'listAuditEntries',
        tag: 'Gateway',
        summary: 'The latest entries of the audit log, the oldest of them first',
        answer: { description: 'The entries.', schema: record({ entries: each(ref('AuditEntry')) }) },
        schemas: SCHEMAS,
      },
      read: async ({ query }) => ({ entries: await entries.latest(readQuery(question, query).limit) }),
    },
  ]
}
