import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { testAuthority } from '../../kit/tls.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const authority = testAuthority()
let folder: string
let upstream: TestUpstream
let sluice: Sluice
const names: (string | undefined)[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-tls-'))
  await writeFile(join(folder, 'ca.pem'), authority.ca)
  await writeFile(join(folder, 'other.pem'), testAuthority().ca)
  upstream = await testUpstream((_req, res) => void res.end('over tls'), {
    ...authority.issue('orders.internal', '127.0.0.1'),
    SNICallback: (name, done) => {
      names.push(name)
      done(null)
    },
  })
  const endpoint = `https://127.0.0.1:${upstream.port}`
  sluice = await startSluice(`${TOP}
defaults: { route: { retries: off } }
upstreams:
  trusted: { endpoints: ["${endpoint}"], tls: { ca: { file: ${folder}/ca.pem } } }
  named: { endpoints: ["${endpoint}"], tls: { ca: { file: ${folder}/ca.pem }, serverName: orders.internal } }
  misnamed: { endpoints: ["${endpoint}"], tls: { ca: { file: ${folder}/ca.pem }, serverName: other.internal } }
  default: { endpoints: ["${endpoint}"] }
  other: { endpoints: ["${endpoint}"], tls: { ca: { file: ${folder}/other.pem } } }
  unverified: { endpoints: ["${endpoint}"], tls: { verify: false } }
routes:
${['trusted', 'named', 'misnamed', 'default', 'other', 'unverified'].map((name) => `  ${name}: { match: { path: /${name} }, to: ${name} }`).join('\n')}
`)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
  await rm(folder, { recursive: true, force: true })
})

describe('an upstream over TLS', () => {
  test('is trusted by its authority, and by the name that is asked for', async () => {
    expect(await sluice.get('/trusted')).toMatchObject({ status: 200, body: 'over tls' })
    expect(await sluice.get('/named')).toMatchObject({ status: 200, body: 'over tls' })
    expect(names).toContain('orders.internal')
  })

  test.each(['misnamed', 'default', 'other'])('is refused otherwise: %s', async (name) => {
    const before = upstream.seen.length
    const answer = await sluice.get(`/${name}`)
    expect(answer.status).toBe(502)
    expect(answer.headers['proxy-status']).toBe('test; error=tls_certificate_error; details="tls_error"')
    expect(upstream.seen.length).toBe(before)
  })

  test('is taken unseen only where the config says so', async () => {
    expect(await sluice.get('/unverified')).toMatchObject({ status: 200, body: 'over tls' })
  })
})
