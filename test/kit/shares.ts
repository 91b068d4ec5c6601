import type { Attempt } from '../../src/core/attempt.ts'
import { EngineKit, type EngineSetUp } from './engine.ts'

/** How many of `count` requests began where. Each is answered with 200 where it began. */
export function spread(kit: EngineKit, count = 400, headers: readonly string[] = []): Record<string, number> {
  const began: Record<string, number> = {}
  for (let i = 0; i < count; i++) {
    const sent = kit.send('GET', '/', headers)
    if (!sent.ended) {
      kit.running.connect()
      kit.running.answer(200)
    }
    const { upstream } = (kit.finished.at(-1)?.attempt ?? { upstream: '-' }) as Attempt
    began[upstream] = (began[upstream] ?? 0) + 1
  }
  return began
}

export function split(weights: Readonly<Record<string, number>>, more: EngineSetUp = {}): EngineKit {
  return new EngineKit({
    upstreams: Object.fromEntries(Object.keys(weights).map((name) => [name, 2])),
    weights,
    ...more,
  })
}

/** A cookie that ties clients to an endpoint. */
export const STICKY = {
  cookie: 'to',
  maxAge: undefined,
  secret: { path: '', source: { env: 'X' }, keyFor: undefined, text: 'k' },
}
/** Of a client that is tied to the upstream. */
export function cookieOf(kit: EngineKit, upstream: string): string {
  for (;;) {
    const sent = kit.send()
    kit.running.connect()
    kit.running.answer(200)
    if (kit.finished.at(-1)?.attempt?.upstream !== upstream) continue
    const headers = sent.reply?.headers ?? []
    return (headers[headers.indexOf('set-cookie') + 1] as string).split(';')[0] as string
  }
}
