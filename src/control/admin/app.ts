import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { CommandRefused, NotFound } from '../../core/command.ts'
import { errorStatus } from './call.ts'
import { type ErrorCode, PROBLEM_JSON, SAFE_HEADERS } from './contract.ts'
import { readJson } from './json-body.ts'
import { problem } from './problem.ts'
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
      fail(reply.headers(SAFE_HEADERS), 'bad_request', errorStatus(error), error.message),
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
    if (error instanceof CommandRefused) return fail(reply, 'refused', status, error.message, error.details)
    if (error instanceof NotFound) return fail(reply, 'not_found', status, error.message)
    if (status < 500) return fail(reply, 'bad_request', status, error.message)
    bug(error)
    return fail(reply, 'internal', 500, 'an error inside the gateway')
  })
  return app
}

/** In bytes: to text, Fastify would add a charset, which this type does not have. */
export function fail(reply: FastifyReply, code: ErrorCode, status: number, detail: string, more?: object) {
  return reply
    .code(status)
    .type(PROBLEM_JSON)
    .send(problem(code, status, detail, more))
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
    if (methods.size === 0) return fail(reply, 'not_found', 404, 'there is no such path')
    // RFC 9110, section 15.5.6
    reply.header('allow', [...methods].join(', '))
    return fail(reply, 'method_not_allowed', 405, `${request.method} is not allowed for this path`)
  })
}

function covers(pattern: readonly string[], path: readonly string[]): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((step, i) => (step.startsWith(':') ? path[i] !== '' : step === path[i]))
  )
}
