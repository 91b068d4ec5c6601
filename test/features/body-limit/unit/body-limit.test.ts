import { describe, expect, test } from 'vitest'
import { MemoryDownstream } from '../../../../src/data/ingress/memory.ts'
import { bodyLimit } from '../../../../src/features/body-limit/feature.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'
import { CompiledUse, readOptions } from '../../../kit/feature.ts'

/** A route that takes bodies of at most 10 bytes. */
class Rig {
  readonly kit: EngineKit
  readonly counted: string[] = []

  constructor(options: unknown = '10B') {
    this.kit = new EngineKit({ policies: [new CompiledUse(bodyLimit, options).policy], retries: { maxExtra: 0 } })
    const refused = (...refusal: string[]): void => void this.counted.push(refusal.join(' '))
    Object.assign(this.kit.route, { record: { finish: () => {}, refused } })
  }

  /** @param contentLength -1: it says nothing */
  upload(contentLength: number): MemoryDownstream {
    const client = new MemoryDownstream({
      method: 'POST',
      target: '/',
      host: 'a.test',
      headers: [],
      peer: PEER,
      contentLength,
    })
    this.kit.engine.handle(client)
    if (this.kit.latest?.busy) this.kit.latest.connect()
    return client
  }
}

describe('a body that says how long it is', () => {
  test('is refused before anything of it is asked for, and no upstream sees it', () => {
    const rig = new Rig()
    const client = rig.upload(11)
    expect(client.status).toBe(413)
    expect(JSON.parse(client.answer.toString())).toMatchObject({
      reason: 'body_too_large',
      detail: 'Bodies of requests are limited to 10 bytes here.',
    })
    expect(rig.kit.transport.connections).toEqual([])
    expect(rig.counted).toEqual(['bodyLimit body_too_large enforce'])
  })

  test.each([0, 1, 10])('of %i bytes passes', (length) => {
    const rig = new Rig()
    const client = rig.upload(length)
    client.feed(Buffer.from('x'.repeat(length)))
    if (length > 0) client.feedEnd()
    rig.kit.latest.answer(200)
    expect(client.status).toBe(200)
    expect(rig.kit.latest.sent).toBe('x'.repeat(length))
  })
})

describe('a body that does not say how long it is', () => {
  test('passes up to the limit', () => {
    const rig = new Rig()
    const client = rig.upload(-1)
    client.feed(Buffer.from('12345'))
    client.feed(Buffer.from('67890'))
    client.feedEnd()
    rig.kit.latest.answer(200)
    expect([client.status, rig.kit.latest.sent]).toEqual([200, '1234567890'])
  })

  test('is refused with its first byte above the limit, and what went is taken back', () => {
    const rig = new Rig()
    const client = rig.upload(-1)
    client.feed(Buffer.from('12345'))
    client.feed(Buffer.from('678901'))
    expect(client.status).toBe(413)
    expect(rig.kit.latest.aborted).toBe(true)
    expect(rig.kit.latest.sent).not.toContain('678901')
    expect(rig.counted).toEqual(['bodyLimit body_too_large enforce'])
    expect(rig.kit.attempts.every(({ head }) => head?.ignored)).toBe(true)
  })
})

test('mode shadow counts once for each request, and lets all pass', () => {
  const rig = new Rig({ max: '10B', mode: 'shadow' })
  const client = rig.upload(-1)
  for (let i = 0; i < 4; i++) client.feed(Buffer.from('12345'))
  client.feedEnd()
  rig.kit.latest.answer(200)
  expect([client.status, rig.kit.latest.sent.length]).toEqual([200, 20])
  expect(rig.upload(11).status).toBe(0)
  expect(rig.counted).toEqual(new Array(2).fill('bodyLimit body_too_large shadow'))
})

test.each([
  ['10', 'write'],
  [{}, 'max'],
  [{ max: '1MB', most: 1 }, 'unknown key'],
])('%j is wrong: %s', (options, problem) => {
  expect(() => readOptions(bodyLimit, options)).toThrow(problem)
})
