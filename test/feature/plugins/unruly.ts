import { defineFeature } from '../../../src/core/feature.ts'
import type { Policy } from '../../../src/core/policy.ts'
import { oneOf } from '../../../src/schema/scalars.ts'

const never = new Promise<never>(() => {})
const later = (value: unknown): Promise<never> => Promise.resolve(value as never)
const stage = { changesLength: false, push: (): never => crash(), end: () => undefined }

function crash(): never {
  throw new Error('secret: 4711')
}

function busy(): undefined {
  const until = performance.now() + 20
  while (performance.now() < until);
}

let left = 0

/** What a plug-in may do wrong, by the name of it. */
const WAYS: Readonly<Record<string, () => Partial<Policy>>> = {
  'throws in admit': () => ({ admit: crash }),
  'rejects in admit': () => ({ admit: () => Promise.reject(new Error('secret: 4711')) }),
  'rejects with nothing': () => ({ admit: () => Promise.reject() }),
  'waits in admit': () => ({ admit: () => never, left: () => void left++ }),
  'waits in respond': () => ({ respond: () => never }),
  'is busy': () => ({ admit: busy }),
  'is busy in a body': () => ({
    responseBody: () => ({ changesLength: false, push: (chunk) => busy() ?? chunk, end: () => undefined }),
  }),
  'throws in respond': () => ({ respond: crash }),
  'throws in a body': () => ({ responseBody: () => stage }),
  'throws in settle': () => ({ settle: crash }),
  'waits in settle': () => ({ settle: () => never as never }),
  'gives true': () => ({ admit: () => true as never }),
  'gives a late word': () => ({ admit: () => later('no') }),
  'gives no reason': () => ({ admit: () => ({ reason: 'because' }) as never }),
  'gives no status': () => ({ admit: () => ({ status: 42, headers: [], body: undefined }) }),
  'gives odd headers': () => ({ admit: () => ({ status: 200, headers: ['a'], body: undefined }) }),
  'leaves a number': () => ({ respond: (ex) => void ex.response?.headers.push('x-count', 42 as never) }),
  'leaves half a header': () => ({ respond: (ex) => void ex.response?.headers.push('x-count') }),
  'leaves a late number': () => ({
    respond: async (ex) => {
      await Promise.resolve()
      ex.response?.headers.push('x-count', 42 as never, undefined as never, undefined as never)
    },
  }),
  'gives a text': () => ({ admit: () => later({ status: 200, headers: [], body: 'text' }) }),
  'gives no stage': () => ({ responseBody: () => ({}) as never }),
  'gives a late page': () => ({ admit: () => ({ reason: 'forbidden' }), page: () => later('<h1>') as never }),
  'throws in a page': () => ({ admit: () => ({ reason: 'forbidden' }), page: crash }),
  'gives a late refusal': () => ({ admit: () => later({ reason: 'forbidden' }) }),
  'says who left': () => ({
    admit: () => ({ status: 200, headers: ['x-left', String(left), 'content-length', '0'], body: undefined }),
  }),
}

export const WAY_NAMES: readonly string[] = Object.keys(WAYS)

export default defineFeature({
  name: 'unruly',
  doc: 'Does something wrong.',
  keys: { route: oneOf(...WAY_NAMES) },
  places: { way: { stage: 20, why: 'Before the answer.' } },
  hookMs: 200,
  compile: (way, { feature }) => ({ way: { name: feature, ...(WAYS[way]?.() as Partial<Policy>) } }),
})
