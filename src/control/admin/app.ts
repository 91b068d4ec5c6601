import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { CommandRefused, NotFound } from '../../core/command.ts'
import { errorStatus } from './call.ts'
import { SAFE_HEADERS } from './contract.ts'
import { readJson } from './json-body.ts'
import type { AdminAnswer } from './pages.ts'
import { internalError, noSuchPath, notAllowed, problemAnswer } from './problem.ts'
import { targetPath } from './server.ts'

export const BODY_BYTES = 65_536

/** An application without routes: how it reads bodies, and how it reports errors. */
export function createApp(bug: (error: unknown) => void): FastifyInstance {
  const app = Fastify({
    bodyLimit: BODY_BYTES,
    return503OnClosing: false,
    // A correlation ID of the largest length.
    routerOptions: { maxParamLength: 128 },
    // No hook gets these: targets that cannot be read.
    frameworkErrors: (error, _request, reply) =>
      show(reply.headers(SAFE_HEADERS), problemAnswer('bad_request', errorStatus(error), error.message)),
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
    readJson(body),
  )
  app.addHook('onSend', async (_request, reply) => {
    for (const [name, value] of Object.entries(SAFE_HEADERS)) if (!reply.hasHeader(name)) reply.header(name, value)
  })
  answerStrays(app)
  app.setErrorHandler((error: Error, _request, reply) => {
    const status = errorStatus(error)
    if (error instanceof CommandRefused)
      return show(reply, problemAnswer('refused', status, error.message, error.details))
    if (error instanceof NotFound) return show(reply, problemAnswer('not_found', status, error.message))
    if (status < 500) return show(reply, problemAnswer('bad_request', status, error.message))
    bug(error)
    return show(reply, internalError())
  })
  return app
}

/** Its body is bytes: to text, Fastify would add a charset, which the types of problems do not have. */
export function show(reply: FastifyReply, { status, headers, body }: AdminAnswer): FastifyReply {
  return reply.code(status).headers(headers).send(body)
}

/**
 * Requests that no route takes: 405 if another method of the path has one, else 404. Behind the guard, and before the body
 * is looked at: its type is no reason for another answer.
 */
function answerStrays(app: FastifyInstance): void {
  const known: { readonly method: string; readonly path: readonly string[] }[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) known.push({ method: one, path: url.split('/') })
  })
  app.addHook('preParsing', async (request, reply) => {
    if (!request.is404) return undefined
    const path = targetPath(request.url).split('/')
    const methods = new Set(known.flatMap((route) => (covers(route.path, path) ? [route.method] : [])))
    if (methods.size === 0) return show(reply, noSuchPath())
    return show(reply, notAllowed(request.method, [...methods].join(', ')))
  })
}

function covers(pattern: readonly string[], path: readonly string[]): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((step, i) => (step.startsWith(':') ? path[i] !== '' : step === path[i]))
  )
}
