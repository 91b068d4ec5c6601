import { type LastingStates, lastingState, type ShownStates } from '../../core/state-table.ts'

/** How the feeds of features are. */
export const FEED_STATES = {
  kind: 'feed',
  list: 'feeds',
  title: 'Feeds',
  labels: ['feature', 'feed'],
  normal: 'fresh',
  states: {
    fresh: lastingState({
      doc: 'Workers have what was loaded last.',
      level: 'good',
      facts: {},
      log: { level: 'info', message: 'a feed is loaded again' },
      sentence: () => 'workers have what was loaded last',
    }),
    stale: lastingState({
      doc: 'It cannot be loaded: workers keep its last value.',
      level: 'bad',
      facts: {
        error: { type: 'string', doc: 'Why it cannot be loaded.' },
        version: { type: 'number', doc: 'Of the value that workers keep; 0: there is none.' },
      },
      log: { level: 'warn', message: 'a feed cannot be loaded' },
      sentence(facts) {
        const kept = facts?.version === 0 ? 'workers have no value of it' : 'workers keep its last value'
        return `it cannot be loaded (${facts?.error ?? 'unknown'}): ${kept} until the next one comes`
      },
    }),
  } satisfies LastingStates,
} as const satisfies ShownStates
