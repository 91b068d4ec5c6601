import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/kit/longest-first.ts'

const CHAOS = 'test/chaos/**/*.test.ts'
const UNIT = ['test/unit/**/*.test.ts', 'test/features/*/unit/**/*.test.ts']

// Most files wait for processes, timers and sockets more than they work themselves.
const MAX_WORKERS = 2 * availableParallelism()

export default defineConfig({
  // As Node resolves it with the condition `sluice-source`.
  resolve: { alias: [{ find: /^sluice$/, replacement: join(import.meta.dirname, 'src/index.ts') }] },
  test: {
    globalSetup: ['test/kit/compile-cache.ts'],
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: [CHAOS, ...UNIT],
          maxWorkers: MAX_WORKERS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'node',
          // Whole gateways by the server that is not the default: see `SLUICE_HTTP1`.
          include: ['test/feature/streaming/*.test.ts'],
          env: { SLUICE_HTTP1: 'node' },
          maxWorkers: MAX_WORKERS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: UNIT,
          // They share no state: a process for each file costs most of them more than their tests do.
          isolate: false,
          maxWorkers: MAX_WORKERS,
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
