import { expect, test } from 'vitest'
import { bounded, HostAddresses } from '../../../../../src/control/endpoints/finding/names.ts'
import type { EndpointConfig } from '../../../../../src/core/config.ts'

const endpoint = (host: string): EndpointConfig => ({
  scheme: 'http',
  host,
  port: 80,
  weight: 1,
  tier: 0,
  zone: undefined,
  maxConcurrent: undefined,
})

test('hosts that cannot be resolved any more keep their addresses, as long as they are named', async () => {
  let broken = false
  const hosts = new HostAddresses(async () => {
    if (broken) throw new Error('SERVFAIL')
    return { v4: ['10.0.0.2', '10.0.0.1'], v6: undefined }
  })
  const list = [endpoint('a.test'), endpoint('10.9.9.9')]
  expect((await hosts.of(list)).map(({ addresses }) => addresses)).toEqual([['10.0.0.1', '10.0.0.2'], ['10.9.9.9']])
  broken = true
  expect(await hosts.of(list)).toHaveLength(2)
  expect(await hosts.of([])).toEqual([])
  expect((await hosts.of(list)).map(({ addresses }) => addresses)).toEqual([['10.9.9.9']])
})

test('no more look-ups at a time than allowed', async () => {
  let running = 0
  let most = 0
  const lookup = bounded(async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    return { v4: [], v6: [] }
  }, 2)
  await Promise.all(Array.from({ length: 9 }, (_, i) => lookup(`${i}`)))
  expect(most).toBe(2)
})
