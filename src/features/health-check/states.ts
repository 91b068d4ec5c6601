import { type EndpointStates, lastingState } from '../../core/state-table.ts'

/** What it tells of endpoints that it takes out of service. */
export const endpointStates: EndpointStates = {
  labels: ['upstream', 'endpoint'],
  states: {
    unhealthy: lastingState({
      doc: 'Its health checks fail.',
      level: 'bad',
      facts: {
        reason: { type: 'string', doc: 'The result of the check that decided.' },
        detail: { type: 'string', doc: 'More of it, such as the status that came.' },
        failed: { type: 'number', doc: 'Failed checks in a row.' },
        needed: { type: 'number', doc: 'Good checks in a row that bring it back.' },
      },
      log: { level: 'warn', message: 'an endpoint is unhealthy' },
      sentence(facts) {
        if (facts === undefined) return 'its health checks fail; it gets no requests until they pass'
        const { detail, failed, needed, reason } = facts
        const what = detail === '' ? reason : `${reason}, ${detail}`
        return `${checks(failed)} failed (${what}); it gets no requests until ${needed === 1 ? 'one passes' : `${needed} in a row pass`}`
      },
    }),
    usable: lastingState({
      doc: 'Its health checks pass again.',
      level: 'good',
      facts: {},
      log: { level: 'info', message: 'an endpoint is healthy again' },
      sentence: () => 'its health checks pass again',
    }),
  },
}

function checks(count: number): string {
  return count === 1 ? 'a health check' : `${count} health checks in a row`
}
