import { expect, test } from 'vitest'
import { CollectingDownstream } from '../../../../src/data/engine/collect.ts'
import { PEER } from '../../../kit/exchange.ts'
import { MemoryTransport } from '../../../kit/memory-link.ts'
import { ConfiguredPlane } from '../../../kit/plane.ts'

test('an answer that fails at its end is bad for availability, once', async () => {
  const transport = new MemoryTransport()
  const yaml = `apiVersion: sluice/v1
listeners: { web: { listen: "127.0.0.1:0" } }
upstreams: { app: { endpoints: ["http://127.0.0.1:9"] } }
routes: { app: { match: { path: /* }, to: app, slo: { availability: 99% } } }
`
  const { engine, metrics } = await ConfiguredPlane.read(yaml, undefined, { transport })
  const statuses: (number | undefined)[] = []
  for (const [i, failed] of [false, true, false].entries()) {
    const request = { method: 'GET', target: `/${i}`, headers: [], body: undefined }
    engine.handle(new CollectingDownstream(PEER, request, 1_000, (reply) => statuses.push(reply?.status)))
    if (!transport.link(0).connected) transport.link(0).connect()
    transport.streams.at(-1)?.answer(200, { failed })
  }
  expect(statuses).toEqual([200, 200, 200])
  expect(metrics.counts.get('sluice_slo_events_total app,availability,good')).toBe(2)
  expect(metrics.counts.get('sluice_slo_events_total app,availability,bad')).toBe(1)
})
