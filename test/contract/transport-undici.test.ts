import { expect, test } from 'vitest'
import { undiciTransport } from '../../src/data/upstreams/transports/undici.ts'
import { testUpstream } from '../kit/upstream.ts'
import { Bench } from './transport/harness.ts'
import { describeTransport } from './transport.ts'

const UNREAD = 'undici destroys its socket with the answer unread'

describeTransport('undici', undiciTransport, {
  'an unsolicited 100 is passed over': 'undici takes it for a bad response and breaks the connection',
  'a body that comes with its head and can not be parsed: the head is not told':
    'undici tells a head before it looks at what follows',
  'what an upstream answered before it reset is told, though our write fails (length 1000000)': UNREAD,
  'what an upstream answered before it reset is told, though our write fails (length -1)': UNREAD,
  'a paused answer is told to its end after our write has failed': UNREAD,
  'HTTP/2 version is refused': 'undici takes the version and does not show it',
})

for (const how of ['end', 'resetAndDestroy'] as const) {
  test(`a request that found its connection stale (${how}) before it began goes over a new one, unseen`, async () => {
    const bench = new Bench(undiciTransport)
    const server = await bench.with(testUpstream())
    const line = bench.line(server.port)
    await line.ask()
    await line.becomesIdle()
    // From here, the loop reads sockets before undici's next look at this one.
    await new Promise((resolve) => setImmediate(resolve))
    for (const socket of server.sockets) socket[how]()
    const seen = line.start({ method: 'POST', contentLength: 2 })
    seen.on.onWantBody = () => {
      line.connection.write(Buffer.from('hi'))
      line.connection.end([])
    }
    await seen.done()
    expect([seen.body, seen.reused, seen.wanted, server.accepted]).toEqual(['ok', false, 1, 2])
    await line.becomesIdle(2)
    expect(line.owner.closed).toBe(0)
    await bench.end()
  })
}
