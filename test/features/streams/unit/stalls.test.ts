import { expect, test } from 'vitest'
import { MemoryDownstream } from '../../../../src/data/ingress/memory.ts'
import { streams } from '../../../../src/features/streams/feature.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'
import { CompiledUse } from '../../../kit/feature.ts'

/** A look sees it first within 1 s, and must have seen it for 5 s. */
const STALLED_MS = 6_000

/** Gets a stream of which it reads the first byte only. */
function reader(kit: EngineKit): MemoryDownstream {
  const request = { method: 'GET', target: '/', host: 'a.test', headers: [], peer: PEER, contentLength: 0 }
  const client = new MemoryDownstream(request)
  kit.engine.handle(client)
  kit.latest.connect()
  kit.latest.events.onHead(200, ['content-type', 'text/event-stream'])
  client.block()
  kit.latest.events.onData(Buffer.from('a'))
  return client
}

test('a stream that only its client holds up ends for one that cannot begin', async () => {
  const clock = new ManualClock()
  const use = new CompiledUse(streams, { max: 1 }, { clock, relief: { end: (want) => kit.engine.stalls.end(want) } })
  const kit: EngineKit = new EngineKit({
    clock,
    policies: [use.policy],
    connections: { max: 100 },
    timeouts: { minRate: { bytes: 1024, window: 600_000 }, request: undefined },
  })
  const first = reader(kit)
  const refused = reader(kit)
  await new Promise((resolve) => setImmediate(resolve))
  expect([refused.status, first.state]).toEqual([503, 'open'])
  for (let past = 0; past < STALLED_MS; past += 1000) clock.advance(1000)
  const next = reader(kit)
  expect([next.status, first.state]).toEqual([200, 'broken'])
})
