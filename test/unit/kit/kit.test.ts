import { once } from 'node:events'
import { request } from 'node:https'
import { expect, test } from 'vitest'
import { ManualClock } from '../../kit/clock.ts'
import { answering, closedPort, tcpConnect } from '../../kit/tcp.ts'
import { testAuthority } from '../../kit/tls.ts'
import { until } from '../../kit/until.ts'
import { testUpstream } from '../../kit/upstream.ts'

test('a manual clock fires timers in order, also those made while it advances', () => {
  const clock = new ManualClock(0)
  const fired: string[] = []
  clock.after(20, () => fired.push(`b${clock.now()}`))
  clock.after(10, () => {
    fired.push(`a${clock.now()}`)
    clock.after(5, () => fired.push(`c${clock.now()}`))
  })
  const cancelled = clock.after(12, () => fired.push('never'))
  clock.cancel(cancelled)
  clock.advance(30)
  expect(fired).toEqual(['a10', 'c15', 'b20'])
  expect(clock.now()).toBe(30)
  expect(clock.timers).toBe(0)
})

test('a raw server answers each head', async () => {
  const server = await answering('HTTP/1.1 204 No Content\r\n\r\n')
  const client = await tcpConnect(server.port)
  client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  expect(await client.receive('\r\n\r\n')).toContain('204')
  client.end()
  await server.close()
})

test('until names what did not happen', async () => {
  await expect(until(() => false, 'a thing', 50)).rejects.toThrow('a thing')
})

test('a closed port refuses', async () => {
  await expect(tcpConnect(await closedPort())).rejects.toThrow('ECONNREFUSED')
})

test('certificates of the test authority are accepted for their names', async () => {
  const authority = testAuthority()
  const upstream = await testUpstream(undefined, authority.issue('shop.test', '127.0.0.1'))
  for (const servername of ['shop.test', undefined]) {
    const req = request({ host: '127.0.0.1', port: upstream.port, ca: authority.ca, servername, agent: false })
    req.end()
    const [res] = await once(req, 'response')
    expect(res.statusCode).toBe(200)
    res.resume()
    await once(res, 'end')
  }
  await upstream.close()
})
