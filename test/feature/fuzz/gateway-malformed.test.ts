import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededRandom } from '../../../src/lib/random.ts'
import { GOOD_TARGET, sendMalformed } from '../../kit/malformed.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { answering, type TcpServer } from '../../kit/tcp.ts'

const ROUNDS = 2400
const AT_ONCE = 16
const SEED = 20_261_125

let upstream: TcpServer
let sluice: Sluice

beforeAll(async () => {
  upstream = await answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  sluice = await startSluice(`${TOP.replace(
    'web: { listen: "127.0.0.1:0" }',
    'web: { listen: "127.0.0.1:0", timeouts: { headers: 500ms, body: 500ms }, limits: { headerBytes: 16KiB, headerCount: 50, targetBytes: 4KiB } }',
  )}
upstreams: { app: { endpoints: ["http://127.0.0.1:${upstream.port}"] } }
routes: { app: { match: { path: /* }, to: app } }
`)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

test(`${ROUNDS} malformed requests: nothing of them reaches the upstream, and no worker falls`, async () => {
  const random = seededRandom(SEED)
  for (let round = 0; round < ROUNDS; round += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        const { context, led, statuses } = await sendMalformed(sluice.port(), random)
        if (led) expect(statuses.shift(), context).toBe(200)
        expect(statuses.length, context).toBeLessThanOrEqual(1)
        for (const code of statuses) expect([400, 408, 414, 417, 431, 501], context).toContain(code)
      }),
    )
  }
  const heads = upstream.peers.flatMap(({ text }) => text.split('\r\n\r\n').filter((head) => head !== ''))
  expect(heads.length).toBeGreaterThan(ROUNDS / 20)
  for (const head of heads) {
    const [line, ...fields] = head.split('\r\n')
    expect(line).toBe(`GET ${GOOD_TARGET} HTTP/1.1`)
    for (const one of fields) expect(one).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*$/)
    expect(fields.filter((one) => /^host:/i.test(one))).toEqual(['host: a'])
  }
  const { body } = await sluice.probe('/metrics')
  expect(body).not.toMatch(/sluice_worker_restarts_total\{[^}]*\} [1-9]/)
  expect(sluice.operational.filter(({ level }) => level === 'error')).toEqual([])
  expect((await sluice.get('/still-there')).status).toBe(200)
}, 120_000)
