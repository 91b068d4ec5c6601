import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/lib/random.ts'
import { httpClient } from '../../kit/client.ts'
import { answerWhole, type Gate, gate, HTTP1_SERVERS } from '../../kit/ingress.ts'
import { BROKEN_CHUNKS, closing, cuts, GOOD_TARGET, pick, request, sendMalformed } from '../../kit/malformed.ts'
import { until } from '../../kit/until.ts'

describe.each(HTTP1_SERVERS)('http1: %s', (http1) => {
  const ROUNDS = 4000
  const AT_ONCE = 16
  const SEED = 20_261_124

  let held: Gate

  beforeAll(async () => {
    held = await gate(answerWhole, { timeouts: { headers: 500, body: 500 }, http1 })
  })

  afterAll(() => held.stop())

  test(`${ROUNDS} malformed requests: each gets an error or a close, none is handed over`, async () => {
    const random = seededRandom(SEED)
    const counts = new Map<number, number>()
    for (let round = 0; round < ROUNDS; round += AT_ONCE) {
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          const { context, led, statuses } = await sendMalformed(held.port, random)
          if (led) expect(statuses.shift(), context).toBe(200)
          expect(statuses.length, context).toBeLessThanOrEqual(1)
          for (const code of statuses) expect([400, 408, 414, 417, 431, 501], context).toContain(code)
          const code = statuses[0] ?? 0
          counts.set(code, (counts.get(code) ?? 0) + 1)
        }),
      )
    }
    const targets = new Set(held.accepted.map(({ downstream }) => downstream.target))
    expect([...targets].filter((target) => target !== GOOD_TARGET)).toEqual([])
    expect(held.accepted.every(({ downstream }) => downstream.contentLength === 0)).toBe(true)
    // The generator reaches every kind of refusal, and silence is the exception.
    for (const code of [400, 414, 417, 431, 501]) expect(counts.get(code) ?? 0, String(code)).toBeGreaterThan(10)
    expect(counts.get(0) ?? 0).toBeLessThan(ROUNDS / 20)
  }, 120_000)

  test('broken bodies never look complete', async () => {
    const random = seededRandom(SEED + 1)
    const from = held.handled.length
    for (let round = 0; round < 400; round += AT_ONCE) {
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          const good = random.float() < 0.5 ? '3\r\nabc\r\n' : ''
          const text = request(
            `POST ${GOOD_TARGET} HTTP/1.1`,
            ['Host: a', 'Transfer-Encoding: chunked'],
            good + pick(random, BROKEN_CHUNKS),
          )
          const seen = await closing(held.port, Buffer.from(text, 'latin1'), cuts(random))
          expect(seen, JSON.stringify(text)).toMatch(/^HTTP\/1\.1 (400|408) /)
        }),
      )
    }
    await until(() => held.listener.inFlight === 0)
    expect(held.handled.slice(from).filter(({ events }) => events.ended)).toEqual([])
  })

  test('the listener still serves', async () => {
    const client = await httpClient(held.port)
    expect((await client.send(request(`GET ${GOOD_TARGET} HTTP/1.1`, ['Host: a'])).answer()).status).toBe(200)
    client.close()
  })
})
