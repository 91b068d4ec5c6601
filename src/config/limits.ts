import type { RootOptions } from './root.ts'

/** A limit that another one makes pointless. `path`: of the limit that was written. */
export interface PointlessLimit {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/**
 * Limits that can't be reached because another one is met before. Only those that somebody has written count: what is
 * built in fits together.
 */
export function pointlessLimits(
  root: RootOptions,
  written: (path: readonly (string | number)[]) => boolean,
): readonly PointlessLimit[] {
  const found: PointlessLimit[] = []
  const warn = (path: readonly (string | number)[], message: string): void => {
    if (written(path)) found.push({ path, message })
  }
  for (const [name, { bulkhead, connections, endpoints, timeouts }] of root.upstreams) {
    const at = ['upstreams', name]
    if (!('kind' in endpoints)) {
      const most = endpoints.length * connections.max
      if (bulkhead !== undefined && bulkhead.maxConcurrent > most && endpoints.every(({ url }) => isAddress(url.host)))
        warn([...at, 'bulkhead', 'maxConcurrent'], `is never reached: connections.max admits ${most} tries at a time`)
      for (const [i, { maxConcurrent }] of endpoints.entries()) {
        if (maxConcurrent !== undefined && maxConcurrent > connections.max)
          warn([...at, 'endpoints', i, 'maxConcurrent'], `is never reached: connections.max is ${connections.max}`)
      }
    }
    for (const [route, options] of routesTo(root, name)) {
      const { request } = options.timeouts
      if (request !== undefined && timeouts.connect > request)
        warn([...at, 'timeouts', 'connect'], `is longer than timeouts.request of route ${route}`)
    }
  }
  for (const [name, options] of root.routes) {
    const { bulkhead, timeouts, to } = options as typeof options & { bulkhead?: Bulkhead }
    if (bulkhead === undefined) continue
    const at = ['routes', name, 'bulkhead']
    const wait = bulkhead.queue?.maxWait
    if (wait !== undefined && timeouts.request !== undefined && wait > timeouts.request)
      warn([...at, 'queue', 'maxWait'], 'is longer than timeouts.request, which ends the request before it')
    const [only, ...others] = to ?? []
    const upstream = only && others.length === 0 ? root.upstreams.get(only.upstream)?.bulkhead : undefined
    if (upstream !== undefined && bulkhead.maxConcurrent > upstream.maxConcurrent)
      warn(
        [...at, 'maxConcurrent'],
        `is never reached: upstreams.${only?.upstream}.bulkhead.maxConcurrent is ${upstream.maxConcurrent}`,
      )
  }
  return found
}

interface Bulkhead {
  readonly maxConcurrent: number
  readonly queue: { readonly maxWait: number } | undefined
}

function routesTo(root: RootOptions, upstream: string) {
  return [...root.routes].filter(([, { to = [] }]) => to.some((target) => target.upstream === upstream))
}

/** A name stands for any number of addresses. */
function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(':')
}
