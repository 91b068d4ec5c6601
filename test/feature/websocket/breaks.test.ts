import { expect, test } from 'vitest'
import { ONE_WORKER, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { openWebSocket, webSocketUpstream } from '../../kit/websocket.ts'

test('an application that throws clients out opens no breaker, and no endpoint is ejected for it', async () => {
  // With what the client sent unread its socket is reset.
  const upstream = await webSocketUpstream((end) => end.ws.on('message', () => end.ws.terminate()))
  const sluice = await startSluice(`${ONE_WORKER}
upstreams:
  app:
    endpoints: ["${upstream.url}"]
    outlierDetection: { consecutiveFailures: 3 }
routes: { app: { match: { path: /* }, to: app, circuitBreaker: { minRequests: 10 } } }
`)
  for (let i = 0; i < 40; i++) {
    const client = await openWebSocket(sluice.port())
    for (let k = 0; k < 20; k++) client.ws.send(Buffer.alloc(100_000))
    await client.ended()
  }
  const broken = (): number => sluice.log.filter(({ reason }) => reason === 'response_incomplete').length
  await until(() => sluice.log.length === 40)
  expect(broken()).toBeGreaterThan(20)
  await openWebSocket(sluice.port())
  const text = await sluice.shows(/sluice_tunnels_opened_total.* 41/)
  expect(text).not.toMatch(/state="(open|ejected)".* 1$/m)
  await sluice.stop()
  await upstream.close()
}, 60_000)
