import { defineFeature, duration, fieldValue, type Infer, object, path, reference, required, withDefault } from 'sluice'

const keys = object({
  upstream: required(reference('upstream'), 'Which upstream is asked.'),
  path: withDefault(path(), '/check', 'Path of the question.'),
  timeout: withDefault(duration(), '500ms', 'Time for the answer.'),
})

/**
 * Asks another service whether a request may pass, with its credentials, method and path. Below 300 it may, and the field
 * `x-user` of that answer goes along; the service's 401 and 403 go to the client; anything else is a failure.
 */
export default defineFeature({
  name: 'externalAuth',
  doc: 'Asks an upstream whether a request may pass.',
  keys: { route: keys },
  places: { ask: { stage: 30, why: 'Nothing is spent on a request before it is known whose it is.' } },
  compile: ({ path: target, timeout, upstream }: Infer<typeof keys>, { feature, services }) => ({
    ask: {
      name: feature,
      async admit(ex) {
        const headers = ['x-original-method', ex.method, 'x-original-path', ex.path + ex.query]
        for (const name of ['authorization', 'cookie']) {
          const value = fieldValue(ex.headers, name)
          if (value !== undefined) headers.push(name, value)
        }
        const head = { method: 'GET', target, headers }
        // It ends with the request: there is nothing to do in `left`.
        const call = services.call({ upstream, head, parent: ex, deadlineMs: timeout, maxBody: 16_384, teaches: true })
        const answer = await call.result
        if ('reason' in answer) return { reason: answer.reason, detail: 'Whether this may pass cannot be known now.' }
        if (answer.status === 401 || answer.status === 403) return answer
        if (answer.status >= 300)
          return { reason: 'upstream_error', detail: 'Whether this may pass cannot be known now.' }
        const user = fieldValue(answer.headers, 'x-user')
        if (user !== undefined) services.forwardHeaders(ex).push('x-user', user)
        return undefined
      },
    },
  }),
})
