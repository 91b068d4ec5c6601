import { BadCommand, readCommand } from '../../core/command.ts'
import type { Command } from '../../core/operation.ts'
import { object, optional, required } from '../../schema/composites.ts'
import { integer, name, oneOf } from '../../schema/scalars.ts'
import { COUNT, choice, each, record } from '../../schema/shape.ts'
import type { Demo } from './demo.ts'
import { FAULTS } from './faults.ts'

/** What operators may ask for; `port` or `upstream`. */
const FAULT_COMMAND = object({
  port: optional(integer(1, 65_535), 'Of an endpoint.'),
  upstream: optional(name(), 'Name of an upstream: all of its endpoints.'),
  fault: required(oneOf(...FAULTS), 'What is wrong with it from now on.'),
})

/** Breaks endpoints of the demo, or repairs them. */
export function faultOperation(demo: Pick<Demo, 'setFault'>): Command {
  return {
    kind: 'command',
    path: 'demo/faults',
    takes: { body: FAULT_COMMAND },
    says: {
      id: 'setFault',
      tag: 'Traffic',
      summary: 'Breaks endpoints of the demo, or repairs them',
      description: 'Only with `--demo`. It needs `port` or `upstream`.',
      answer: {
        description: 'What was changed.',
        schema: record({ changed: each(record({ port: COUNT, fault: choice(...FAULTS) })) }),
      },
    },
    run: async (body) => {
      const answer = demo.setFault(readCommand(FAULT_COMMAND, body))
      if ('problem' in answer) throw new BadCommand(answer.problem)
      return answer
    },
  }
}
