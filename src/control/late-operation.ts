import { NotFound } from '../core/command.ts'
import type { Operation } from '../core/operation.ts'

/** An operation whose feature may be another one by the time it is asked for: routes of the API are made once. */
export function lateOperation(operation: Operation, find: () => Operation | undefined): Operation {
  const now = <K extends Operation['kind']>(kind: K): Extract<Operation, { kind: K }> => {
    const found = find()
    if (found?.kind !== kind) throw new NotFound('the plug-in that had this is not part of the live config')
    return found as Extract<Operation, { kind: K }>
  }
  switch (operation.kind) {
    case 'view':
      return { ...operation, read: (asked) => now('view').read(asked) }
    case 'question':
      return { ...operation, ask: async (body) => now('question').ask(body) }
    case 'command':
      return { ...operation, run: async (body, call) => now('command').run(body, call) }
    case 'events':
      return { ...operation, open: (asked) => now('events').open(asked) }
  }
}
