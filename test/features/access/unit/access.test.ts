import { describe, expect, test } from 'vitest'
import type { Policy } from '../../../../src/core/policy.ts'
import { access } from '../../../../src/features/access/feature.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'
import { CompiledUse, readOptions } from '../../../kit/feature.ts'

/** The status of a request from this address; 200 where it got to the upstream. */
function status(options: object, address: string, headers: readonly string[] = []): number | undefined {
  const kit = new EngineKit({ policies: [new CompiledUse(access, options).policy as Policy] })
  const sent = kit.send('GET', '/', headers, undefined, { ...PEER, address })
  if (!sent.ended) {
    kit.latest.connect()
    kit.latest.answer(200)
  }
  return sent.reply?.status
}

describe('an address', () => {
  test.each([
    [{ allow: '10.0.0.0/8' }, '10.1.2.3', 200],
    [{ allow: '10.0.0.0/8' }, '11.1.2.3', 403],
    [{ allow: ['10.0.0.0/8', '2001:db8::/32'] }, '2001:db8::7', 200],
    [{ allow: '10.0.0.0/8' }, '2001:db8::7', 403],
    [{ allow: '10.0.0.0/8' }, '::ffff:10.1.2.3', 200],
    [{ deny: '10.0.0.0/8' }, '::ffff:10.1.2.3', 403],
    [{ deny: '10.0.0.0/8' }, '10.1.2.3', 403],
    [{ deny: '10.0.0.0/8' }, '192.0.2.1', 200],
    [{ allow: '10.0.0.0/8', deny: '10.9.0.0/16' }, '10.9.1.1', 403],
    [{ allow: '10.0.0.0/8', deny: '10.9.0.0/16' }, '10.8.1.1', 200],
    [{ allow: '10.9.1.1', deny: '10.0.0.0/8' }, '10.9.1.1', 403],
    [{ allow: '0.0.0.0/0' }, '2001:db8::7', 403],
    [{ deny: 'fe80::/10' }, 'fe80::1%eth0', 403],
    [{ allow: '10.0.0.0/8' }, 'not an address', 403],
  ])('%j, %s: %i', (options, address, expected) => {
    expect(status(options, address)).toBe(expected)
  })

  test('is what a trusted proxy tells of it, and nothing that others do', () => {
    const forwarded = ['x-forwarded-for', '10.1.2.3']
    expect(status({ allow: '10.0.0.0/8' }, '203.0.113.5', forwarded)).toBe(200)
    expect(status({ allow: '10.0.0.0/8' }, '198.51.100.5', forwarded)).toBe(403)
  })
})

test('a refusal names its reason, and nothing of the lists', () => {
  const kit = new EngineKit({ policies: [new CompiledUse(access, { deny: '192.0.2.0/24' }).policy] })
  const { reply } = kit.send()
  expect(JSON.parse(String(reply?.body))).toMatchObject({ status: 403, reason: 'forbidden', retryable: false })
  expect(String(reply?.body)).not.toContain('192.0.2')
  expect(kit.finished[0]?.failure).toMatchObject({ reason: 'forbidden', phase: 'auth', origin: 'client' })
})

test('mode shadow counts, and admits', () => {
  const kit = new EngineKit({ policies: [new CompiledUse(access, { deny: '192.0.2.0/24', mode: 'shadow' }).policy] })
  const counted: unknown[][] = []
  Object.assign(kit.route, { record: { finish: () => {}, refused: (...refusal: unknown[]) => counted.push(refusal) } })
  expect(kit.send().ended).toBe(false)
  expect(counted).toEqual([['access', 'forbidden', 'shadow']])
})

test.each([
  [{}, 'it admits any address'],
  [{ deny: [] }, 'it admits any address'],
  [{ allow: [] }, 'at least 1'],
  [{ allow: '10.0.0.0/33' }, 'a network such as 10.0.0.0/8'],
  [{ deny: 'example.com' }, 'a network such as 10.0.0.0/8'],
])('%j: %s', (options, problem) => {
  expect(() => readOptions(access, options)).toThrow(problem)
})
