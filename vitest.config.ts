import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const CHAOS = 'test/chaos/**/*.test.ts'

export default defineConfig({
  test: {
    globalSetup: ['test/kit/compile-cache.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: [CHAOS],
          // Most files wait for processes, timers and sockets more than they work themselves.
          maxWorkers: 2 * availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: [CHAOS],
          // When all else is done: they count what a failure does to a gateway under so many requests per second.
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
