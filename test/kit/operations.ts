import type { Caller, CallOptions, Command, Description, Events, Operation, View } from '../../src/core/operation.ts'

export const OPERATOR: Caller = { name: 'ci', role: 'operator', by: 'token' }

/** As a command is called without further ado. */
export const CALLED: CallOptions = {
  dryRun: false,
  expected: undefined,
  who: OPERATOR,
  left: new AbortController().signal,
}

/** What is said of an operation that only a test knows. */
function says(id: string): Description {
  return { id, tag: 'Gateway', summary: id, answer: { description: 'Whatever it is.', schema: {} } }
}

type Question = Extract<Operation, { kind: 'question' }>

export function viewOf(path: string, read: View['read'], more: Partial<View> = {}): View {
  return { kind: 'view', path, says: says(`view${path}`), read, ...more }
}

export function questionOf(path: string, ask: Question['ask'], more: Partial<Question> = {}): Question {
  return { kind: 'question', path, says: says(`ask${path}`), ask, ...more }
}

export function commandOf(path: string, run: Command['run'], more: Partial<Command> = {}): Command {
  return { kind: 'command', path, says: says(`do${path}`), run, ...more }
}

export function eventsOf(path: string, open: Events['open'], more: Partial<Events> = {}): Events {
  return { kind: 'events', path, says: says(`follow${path}`), open, ...more }
}
