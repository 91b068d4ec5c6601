import { Readable } from 'node:stream'
import type { fastify as Fastify, FastifyInstance, InjectOptions } from 'fastify'
import type { Exchange } from '../core/exchange.ts'
import { IterableSource } from '../core/iterable-source.ts'
import type { Policy } from '../core/policy.ts'
import type { Source } from '../core/source.ts'
import type { Refusal, Reply } from '../core/verdict.ts'

/** Gets Fastify, and returns an instance with its routes; it need not be ready, and never listens. */
export type BuildApplication = (fastify: typeof Fastify) => FastifyInstance | Promise<FastifyInstance>

/** Framing is that of the connection to the client. */
const FRAMING = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding'])

/**
 * A `Policy.handle` that lets an application of Fastify answer, inside the worker. Fastify is loaded and the application
 * built at the first request; if that fails, the request has failed, and the next one attempts it anew. Requests have the
 * path and query by which they were matched, and the client's address; bodies are streams both ways. What the application
 * opens ends with its worker.
 */
export function fastifyHandler(build: BuildApplication): NonNullable<Policy['handle']> {
  let application: Promise<FastifyInstance> | undefined
  return async (ex, body) => {
    application ??= applicationOf(build)
    let ready: FastifyInstance
    try {
      ready = await application
    } catch (error) {
      application = undefined
      throw error
    }
    return answerOf(ready, ex, body)
  }
}

async function applicationOf(build: BuildApplication): Promise<FastifyInstance> {
  const { fastify } = await import('fastify')
  const application = await build(fastify)
  await application.ready()
  return application
}

async function answerOf(application: FastifyInstance, ex: Exchange, body: Source): Promise<Reply | Refusal> {
  if (!application.supportedMethods.includes(ex.method)) return { reason: 'not_implemented' }
  const response = await application.inject({
    method: ex.method as NonNullable<InjectOptions['method']>,
    url: ex.path + ex.query,
    headers: fieldsOf(ex),
    remoteAddress: ex.client,
    payloadAsStream: true,
    ...(body.length === 0 ? {} : { payload: new BodyStream(body) }),
  })
  const { headers, statusCode: status } = response
  const length = headers['content-length']
  const flat = Object.entries(headers).flatMap(([name, value]) =>
    FRAMING.has(name) ? [] : [value].flat().flatMap((one) => [name, String(one)]),
  )
  const source = new IterableSource(response.stream(), length === undefined ? undefined : Number(length))
  return { status, headers: flat, body: source }
}

/** As node:http gives them: one value per name. */
function fieldsOf({ downstream, headers }: Exchange): Record<string, string> {
  const fields: Record<string, string> = Object.create(null)
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    const value = headers[i + 1] as string
    const before = fields[name]
    fields[name] = before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`
  }
  fields.host = downstream.authority
  return fields
}

/** The body of a request as a stream: read as fast as the application takes it. */
class BodyStream extends Readable {
  private readonly body: Source
  private started = false

  constructor(body: Source) {
    super()
    this.body = body
  }

  override _read(): void {
    if (this.started) {
      this.body.resume()
      return
    }
    this.started = true
    this.body.start({
      data: (chunk) => {
        if (!this.push(chunk)) this.body.pause()
      },
      end: () => void this.push(null),
      fail: () => void this.destroy(new Error('the request broke')),
    })
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.body.cancel()
    done(error)
  }
}
