import { describe, expect, test } from 'vitest'
import type { Policy } from '../../../../src/core/policy.ts'
import type { Refusal, Reply } from '../../../../src/core/verdict.ts'
import { Chain } from '../../../../src/data/engine/chain.ts'
import { type HandledRun, handle } from '../../../../src/data/engine/handle.ts'
import { exchange } from '../../../kit/exchange.ts'

const TEA: Reply = { status: 200, headers: ['content-length', '3'], body: Buffer.from('tea') }

type Given = ReturnType<NonNullable<Policy['handle']>>

/** A promise of some library: all that is known of it is `then`. */
function thenable(settles: (done: (given: Reply | Refusal) => void, failed: (error: unknown) => void) => void): Given {
  // biome-ignore lint/suspicious/noThenProperty: that is what is tested
  return { then: settles } as unknown as Given
}

async function answered(given: Given, more: Partial<HandledRun> = {}): Promise<unknown[]> {
  const told: unknown[] = []
  handle({
    ex: exchange(),
    chain: new Chain([{ name: 'tea', handle: () => given }]),
    over: false,
    answering: false,
    body: undefined,
    bodyLength: 0,
    openBody: () => true,
    answer: (reply) => void told.push(reply),
    fail: ({ reason }) => void told.push(reason),
    onBug: (error) => void told.push(error),
    ...more,
  })
  await new Promise(setImmediate)
  return told
}

describe('what a policy answers inside the process', () => {
  test.each([
    ['at once', TEA],
    ['by a promise', Promise.resolve(TEA)],
    ['by any thenable', thenable((done) => done(TEA))],
    [
      'by one that calls back twice',
      thenable((done) => {
        done(TEA)
        done({ reason: 'shed' })
      }),
    ],
  ])('comes %s, once', async (_how, given) => {
    expect(await answered(given)).toEqual([TEA])
  })

  test('may be a refusal, and a bug where a thenable fails', async () => {
    expect(await answered(thenable((done) => done({ reason: 'shed' })))).toEqual(['shed'])
    const wrong = new Error('wrong')
    expect(await answered(thenable((_done, failed) => failed(wrong)))).toEqual([wrong])
  })

  test('is dropped with its body where the request has ended', async () => {
    let cancelled = 0
    const body = { length: undefined, start: () => {}, pause: () => {}, resume: () => {}, cancel: () => cancelled++ }
    expect(
      await answered(
        thenable((done) => done({ ...TEA, body })),
        { over: true },
      ),
    ).toEqual([])
    expect(cancelled).toBe(1)
  })
})
