import type { Lint } from '../../config/judge/contract.ts'
import { fallback } from './feature.ts'

const fallbackNeverUsed: Lint = {
  name: 'fallback-never-used',
  finds: 'A `fallback` that answers no request of its route.',
  why: 'By default a fallback answers GET and HEAD only. On a route that takes only other methods, clients get the failure itself.',
  remedy:
    'Name the methods in `fallback.methods` (for others than GET, HEAD and OPTIONS with a status from 300), or remove it.',
  example: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
routes:
  create:
    match: { path: /orders, methods: POST }
    to: orders
    fallback: { status: 503, body: Later }
`,
  better: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
routes:
  create:
    match: { path: /orders, methods: POST }
    to: orders
    fallback: { methods: POST, status: 503, body: Later }
`,
  run: ({ routes, own }) =>
    routes.flatMap(({ name, options: { features, match } }) => {
      const { methods: answered } = features.of(fallback) ?? {}
      const path = ['routes', name, 'fallback']
      if (answered === undefined || !own(path)) return []
      const methods = match.flatMap((one) => one.methods)
      const isAny = match.some((one) => one.methods.length === 0)
      if (isAny || methods.some((method) => answered.includes(method) || isHeadOf(method, answered))) return []
      return [
        {
          path,
          atKey: true,
          message: `is never used: it answers ${answered.join(', ')} (fallback.methods), and the route takes ${methods.join(', ')}`,
        },
      ]
    }),
}

/** GET includes HEAD. */
function isHeadOf(method: string, methods: readonly string[]): boolean {
  return method === 'GET' && methods.includes('HEAD')
}

export const lints: readonly Lint[] = [fallbackNeverUsed]
