import { decision } from '../../core/decision.ts'
import type { MetricTable } from '../../core/metric.ts'

export const metrics = {
  sluice_queue_wait_seconds: {
    kind: 'histogram',
    help: 'Wait in the queue of a bulkhead, with or without success; requests that got a permit at once are not in it.',
    labels: ['route'],
  },
  sluice_bulkhead_lost_wakeups_total: {
    kind: 'counter',
    help: 'Permits that the sweep found free although a request waited; anything but 0 is a bug in Sluice.',
    labels: [],
  },
  sluice_bulkhead_in_flight: { kind: 'gauge', help: 'Permits that requests hold now.', labels: ['route'] },
  sluice_bulkhead_limit: {
    kind: 'gauge',
    help: 'Permits that there are: maxConcurrent, or what adaptive has found.',
    labels: ['route'],
  },
  sluice_queue_depth: { kind: 'gauge', help: 'Requests that wait for a permit now.', labels: ['route'] },
} as const satisfies MetricTable

export const decisions = {
  queued: decision({
    doc: 'The request waited for a permit of the bulkhead.',
    facts: { ms: { type: 'number', doc: 'Time in the queue, milliseconds.' } },
    sentence: ({ ms }) => `waited ${ms} ms for a permit of the bulkhead`,
    event: 'queued',
    // It is part of the time in queues that the story tells at its beginning.
    story: false,
  }),
}

/** How the bulkhead of an upstream tells that it is full. */
export const upstreamRefuses = {
  as: 'upstreamBulkhead',
  told: { bulkhead_full: (upstream: string) => `the bulkhead of ${upstream} is full` },
} as const
