import { defineFeature } from '../../../src/core/feature.ts'
import { IterableSource } from '../../../src/core/iterable-source.ts'
import type { Source } from '../../../src/core/source.ts'
import type { Reply } from '../../../src/core/verdict.ts'
import { oneOf } from '../../../src/schema/scalars.ts'

/** The whole body, or `broken`. */
function textOf(body: Source): Promise<string> {
  const chunks: Buffer[] = []
  return new Promise((resolve) =>
    body.start({
      data: (chunk) => {
        chunks.push(chunk)
        // As a handler would that is slower than its client.
        body.pause()
        setTimeout(() => body.resume(), 1)
      },
      end: () => resolve(Buffer.concat(chunks).toString()),
      fail: () => resolve('broken'),
    }),
  )
}

/** Throws where a socket calls it: of a chunk, of the end, or of a client that goes. */
function parsed(body: Source, throwing: 'data' | 'end' | 'fail'): Promise<Reply> {
  const crash = (): never => {
    throw new Error('secret: 4711')
  }
  const quiet = { data: () => {}, end: () => {}, fail: () => {} }
  return new Promise(() => body.start({ ...quiet, [throwing]: crash }))
}

const reply = (text: string, status = 200): Reply => {
  const body = Buffer.from(text)
  return { status, headers: ['content-type', 'text/plain', 'content-length', String(body.length)], body }
}

async function* counted(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 3; i++) yield Buffer.from(`${i}\n`)
}

/** A plug-in that answers inside the process. */
export default defineFeature({
  name: 'here',
  doc: 'Answers by itself.',
  keys: { route: oneOf('echo', 'stream', 'refuse', 'throw', 'nothing', 'never', 'ignore', 'parse', 'choke', 'forget') },
  answers: true,
  hookMs: 300,
  places: { answer: { stage: 72, why: 'In the place of an upstream.' } },
  compile: (how, { feature }) => ({
    answer: {
      name: feature,
      async handle(ex, body) {
        if (how === 'echo') return reply(`${ex.method} ${ex.path} ${body.length} ${await textOf(body)}`)
        if (how === 'stream') return { status: 200, headers: [], body: new IterableSource(counted()) }
        if (how === 'refuse') return { reason: 'forbidden' }
        if (how === 'throw') throw new Error('secret: 4711')
        if (how === 'parse') return parsed(body, 'end')
        if (how === 'choke') return parsed(body, 'data')
        if (how === 'forget') return parsed(body, 'fail')
        if (how === 'never') await new Promise(() => {})
        return how === 'ignore' ? reply('ignored') : (undefined as never)
      },
    },
  }),
})
