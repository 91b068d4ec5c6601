import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { HeadGuard } from '../../../src/data/ingress/common/guard.ts'
import { methodRefusal } from '../../../src/data/ingress/common/methods.ts'
import { MemoryDownstream } from '../../../src/data/ingress/memory.ts'
import { decide, type RequestDecision } from '../../../src/tools/explain/decision.ts'
import type { Model, WrittenConfig } from '../../../src/tools/explain/model.ts'
import { HTTP1_ENV } from '../../kit/ingress.ts'
import type { ConfiguredPlane, Ended } from '../../kit/plane.ts'
import type { GeneratedRequest } from './generate.ts'

/** A config from its text; undefined where it has errors. */
export async function written(text: string): Promise<WrittenConfig | undefined> {
  const deps = { ...loadDeps(HTTP1_ENV), readFile: async () => Buffer.from(text) }
  const { config, tree } = await loadConfig('c.yaml', deps)
  return config === undefined || tree === undefined ? undefined : { config, tree, language: deps.language }
}

/** What is made anew for each request or attempt, or belongs to the hop. */
const CHANGING = /^(sluice-|x-correlation-id|x-request-id|traceparent|host|connection|content-length)/

/** A flat list of fields as lines, without what changes from request to request. */
export function lasting(flat: readonly string[]): string[] {
  return flat.flatMap((name, i) =>
    i % 2 === 0 && !CHANGING.test(name.toLowerCase()) ? [`${name.toLowerCase()}: ${flat[i + 1]}`] : [],
  )
}

/** What explaining says of a request. */
export function told(model: Model, { from, headers, host, method, target }: GeneratedRequest): RequestDecision {
  // Whoever asks about a URL means its host; on the wire the absolute form has the last word, too.
  const fields = target.startsWith('http') ? headers : ['host', host, ...headers]
  return decide(model, { method, url: target, headers: fields, from })
}

/** Hands a request over as a listener does. */
export function run(plane: ConfiguredPlane, { config }: WrittenConfig, request: GeneratedRequest): Promise<Ended> {
  const { from, headers, host, method, target } = request
  const listener = config.lean.listeners[0]!
  const guard = new HeadGuard(listener.limits)
  const rawHeaders = ['host', host, ...headers]
  const refusal =
    methodRefusal(method, listener.http1) ??
    guard.judge({ method, url: target, httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders })
  const peer = { address: from, port: 1, localPort: listener.port, secure: false, listener: 'web' }
  const facts = { method, target: guard.target, host: guard.host, authority: guard.authority, headers: rawHeaders }
  return plane.run(new MemoryDownstream({ ...facts, peer, contentLength: 0 }), refusal)
}
