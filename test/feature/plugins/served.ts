import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { defineFeature } from '../../../src/core/feature.ts'
import { fastifyHandler } from '../../../src/plugins/fastify-handler.ts'
import { oneOf } from '../../../src/schema/scalars.ts'

/** Whether this thread has loaded Fastify, a CommonJS package. */
function loaded(): string {
  const { cache } = createRequire(import.meta.url)
  return String(Object.keys(cache).some((path) => path.includes('/node_modules/fastify/')))
}

let builds = 0

const application = fastifyHandler(async (fastify) => {
  builds++
  if (builds === 1) throw new Error('secret: 4711')
  const app = fastify({ bodyLimit: 10_000_000 })
  app.get('/hello/:name', async ({ headers, ip, params, query }) => ({
    params,
    query,
    ip,
    host: headers.host,
    twice: headers['x-twice'],
  }))
  app.post('/echo', ({ body }, reply) => reply.header('set-cookie', ['a=1', 'b=2']).send(body))
  app.get('/lines', (_, reply) =>
    reply.send(
      Readable.from(
        (async function* () {
          for (let i = 0; i < 3; i++) yield `${i}\n`
        })(),
      ),
    ),
  )
  app.get('/wrong', async () => {
    throw new Error('of the application')
  })
  app.get('/endless', (_, reply) =>
    reply.send(
      Readable.from(
        (async function* () {
          for (;;) yield Buffer.alloc(65_536)
        })(),
      ),
    ),
  )
  return app
})

/** A plug-in that answers by an application of Fastify. */
export default defineFeature({
  name: 'served',
  doc: 'Answers by an application.',
  keys: { route: oneOf('application', 'loaded') },
  answers: true,
  places: { answer: { stage: 72, why: 'In the place of an upstream.' } },
  compile: (how, { feature }) => {
    if (how === 'application') return { answer: { name: feature, handle: application } }
    const reply = (text: string) => ({
      status: 200,
      headers: ['content-length', String(text.length)],
      body: Buffer.from(text),
    })
    return { answer: { name: feature, admit: () => reply(loaded()) } }
  },
})
