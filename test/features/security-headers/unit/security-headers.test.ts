import { expect, test } from 'vitest'
import { securityHeaders } from '../../../../src/features/security-headers/feature.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'
import { CompiledUse } from '../../../kit/feature.ts'

const SECURE = { ...PEER, secure: true }
/** One of `trust.proxies`. */
const PROXY = { ...PEER, address: '203.0.113.5' }

/** The fields of an answer, those of every answer left out. */
function answered(options: object, upstream: readonly string[] = [], peer = PEER, request: readonly string[] = []) {
  const kit = new EngineKit({ policies: [new CompiledUse(securityHeaders, options).policy] })
  const sent = kit.send('GET', '/', request, undefined, peer)
  kit.latest.connect()
  kit.latest.answer(200, upstream)
  return fieldsOf(sent.reply?.headers ?? [])
}

function fieldsOf(headers: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    if (
      /^(x-correlation-id|sluice-|content-|proxy-status|retry-after|cache-control)/.test(name) &&
      !name.endsWith('security')
    )
      continue
    fields[name] = name in fields ? `${fields[name]}, ${headers[i + 1]}` : (headers[i + 1] as string)
  }
  return fields
}

const USUAL = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'strict-origin-when-cross-origin',
}

test('what is usual, and no word of what the upstream runs', () => {
  expect(answered({}, ['Server', 'x/1.0', 'X-Powered-By', 'y', 'X-Team', 'blue'])).toEqual({
    'x-team': 'blue',
    ...USUAL,
  })
})

test('its value stands in place of every line of the upstream', () => {
  const upstream = ['X-Frame-Options', 'ALLOWALL', 'x-frame-options', 'SAMEORIGIN', 'Referrer-Policy', 'unsafe-url']
  expect(answered({ frameOptions: 'SAMEORIGIN' }, upstream)).toEqual({ ...USUAL, 'x-frame-options': 'SAMEORIGIN' })
})

test('what is off stays as the upstream has it', () => {
  const off = {
    hsts: 'off',
    contentTypeOptions: 'off',
    frameOptions: 'off',
    referrerPolicy: 'off',
    removeServer: false,
  }
  const upstream = ['server', 'x', 'x-frame-options', 'SAMEORIGIN', 'strict-transport-security', 'max-age=1']
  expect(() => answered(off, upstream)).toThrow('nothing was compiled')
  expect(answered({ ...off, contentTypeOptions: 'nosniff' }, upstream)).toEqual({
    server: 'x',
    'x-frame-options': 'SAMEORIGIN',
    'strict-transport-security': 'max-age=1',
    'x-content-type-options': 'nosniff',
  })
})

test('HSTS goes out over HTTPS only, an upstream’s own included', () => {
  const upstream = ['strict-transport-security', 'max-age=1']
  const year = { ...USUAL, 'strict-transport-security': 'max-age=31536000' }
  expect(answered({}, upstream)).toEqual(USUAL)
  expect(answered({}, upstream, SECURE)).toEqual(year)
  expect(answered({}, [], PROXY, ['x-forwarded-proto', 'https'])).toEqual(year)
  expect(answered({}, [], PEER, ['x-forwarded-proto', 'https'])).toEqual(USUAL)
  expect(
    answered({ hsts: { maxAge: '730d', includeSubDomains: true, preload: true } }, [], SECURE)[
      'strict-transport-security'
    ],
  ).toBe('max-age=63072000; includeSubDomains; preload')
})

test('answers of our own carry them, refusals included', () => {
  const policies = [
    new CompiledUse(securityHeaders, {}).policy,
    { name: 'p', admit: () => ({ reason: 'forbidden' }) as const },
  ]
  const { reply } = new EngineKit({ policies }).send()
  expect(reply?.status).toBe(403)
  expect(fieldsOf(reply?.headers ?? [])).toMatchObject(USUAL)
})
