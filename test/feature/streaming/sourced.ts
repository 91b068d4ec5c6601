import { defineFeature, IterableSource, oneOf, type Reply, type Source } from 'sluice'

const CHUNK = Buffer.alloc(16_384, 'x')
const never = new Promise<never>(() => {})

/** Bodies that were begun and have not ended, in this worker. */
let open = 0
/** Chunks that were asked for, of the latest body. */
let asked = 0

async function* chunks(count: number, then?: () => Promise<void>): AsyncGenerator<Uint8Array> {
  open++
  asked = 0
  try {
    for (let i = 0; i < count; i++) {
      asked++
      yield CHUNK
      await new Promise((resolve) => setImmediate(resolve))
    }
    await then?.()
  } finally {
    open--
  }
}

async function breaks(): Promise<never> {
  throw new Error('the plate is broken')
}

const SOURCES = {
  whole: () => new IterableSource(chunks(10)),
  counted: () => new IterableSource(chunks(10), 10 * CHUNK.length),
  endless: () => new IterableSource(chunks(Number.POSITIVE_INFINITY)),
  'breaks at once': () => new IterableSource(chunks(0, breaks)),
  'breaks midway': () => new IterableSource(chunks(10, breaks)),
  'ends early': () => new IterableSource(chunks(10), 11 * CHUNK.length),
  'gives too much': () => new IterableSource(chunks(10), 10 * CHUNK.length - 1),
  'falls silent': () => new IterableSource(chunks(10, () => never)),
  'is never ready': () => new IterableSource(chunks(0, () => never)),
} satisfies Record<string, () => Source>

export const WAYS: readonly string[] = Object.keys(SOURCES)

function told(): Reply {
  return {
    status: 200,
    headers: ['x-open', String(open), 'x-asked', String(asked), 'content-length', '0'],
    body: undefined,
  }
}

/** Answers from sources, and tells what has become of them. */
export default defineFeature({
  name: 'sourced',
  doc: 'Answers from a source.',
  answers: true,
  keys: { route: oneOf('told', ...WAYS) },
  places: { answer: { stage: 72, why: 'It answers.' } },
  compile: (way, { feature: name }) => ({
    answer: {
      name,
      admit: () =>
        way === 'told' ? told() : { status: 200, headers: [], body: SOURCES[way as keyof typeof SOURCES]() },
    },
  }),
})
