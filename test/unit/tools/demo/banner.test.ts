import { expect, test } from 'vitest'
import { banner } from '../../../../src/tools/demo/banner.ts'

const facts = {
  web: 'http://127.0.0.1:8080',
  admin: 'http://127.0.0.1:9901',
  probes: 'http://127.0.0.1:9902',
  tokenFile: '/home/u/.local/state/sluice/demo/token',
  dashboard: 'http://127.0.0.1:9901/dashboard/#token=abc',
}

test('says what to ask, where dashboard, probes and metrics are, how to break and repair', () => {
  const text = banner(facts)
  for (const part of [
    'curl http://127.0.0.1:8080/orders/1',
    'curl http://127.0.0.1:8080/catalog/',
    'curl http://127.0.0.1:8080/echo/hello',
    'http://127.0.0.1:9901/dashboard/#token=abc',
    'http://127.0.0.1:9902/readyz',
    'http://127.0.0.1:9902/metrics',
    `curl -X POST http://127.0.0.1:9901/api/v1/demo/faults -H "authorization: Bearer $(cat ${facts.tokenFile})" -H 'content-type: application/json' -d '{"port":9101,"fault":"down"}'`,
    `-d '{"port":9101,"fault":"none"}'`,
  ]) {
    expect(text).toContain(part)
  }
})

test('is few lines of plain text', () => {
  const lines = banner(facts).split('\n')
  expect(lines.length).toBeLessThan(16)
  expect(banner(facts)).toMatch(/^[\n\x20-\x7e]*$/)
})

test('a token file with a blank or quote in its path can still be pasted', () => {
  expect(banner({ ...facts, tokenFile: "/home/a b/it's" })).toContain(`$(cat '/home/a b/it'\\''s')`)
})

test('without a token file a variable stands for the token', () => {
  expect(banner({ ...facts, tokenFile: undefined })).toContain('"authorization: Bearer $TOKEN"')
})
