import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/lib/random.ts'
import { Model } from '../../../src/tools/explain/model.ts'
import { reachedUpstreams } from '../../../src/tools/explain/reach.ts'
import { ConfiguredPlane } from '../../kit/plane.ts'
import { Generator } from './generate.ts'
import { lasting, run, told, written } from './kit.ts'

const SEED = 20_261_126
const CONFIGS = 400
const REQUESTS = 25
const TOP = { listeners: { web: { listen: '127.0.0.1:8080', limits: { headerCount: 20 } } } }

test(`explain and the engine agree on ${CONFIGS * REQUESTS} generated pairs of config and request`, async () => {
  const generator = new Generator(seededRandom(SEED))
  const seen = { configs: 0, forwarded: 0, configured: 0, refused: 0 }
  while (seen.configs < CONFIGS) {
    const text = generator.config(TOP, (name) => `http://${name}.test`)
    const loaded = await written(text)
    if (loaded === undefined) continue
    seen.configs++
    const plane = await ConfiguredPlane.of(loaded.config)
    const model = new Model(loaded)
    for (let i = 0; i < REQUESTS; i++) {
      const request = generator.request()
      const { ex, asked } = await run(plane, loaded, request)
      const { answer, ex: mine, forward, route } = told(model, request)
      const story = `${JSON.stringify(request)} with ${text}`
      expect(
        {
          route: route?.name,
          client: mine.client,
          path: mine.path,
          params: mine.params,
          forwarded: forward !== undefined,
        },
        story,
      ).toEqual({
        route: ex.route?.name,
        client: ex.client,
        path: ex.path,
        params: ex.params,
        forwarded: asked !== undefined,
      })
      if (asked !== undefined && forward !== undefined && route !== undefined) {
        seen.forwarded++
        const upstream = ex.attempt!.upstream
        const targets = reachedUpstreams(model.lean, model.tree, route).filter(({ share }) => share > 0)
        expect(
          targets.map(({ name }) => name),
          story,
        ).toContain(upstream)
        const { host = `${upstream}.test`, headers, target } = forward
        expect({ target, host, headers: lasting(headers) }, story).toEqual({
          target: asked.target,
          host: asked.authority,
          headers: lasting(asked.headers),
        })
      } else {
        if (answer?.reason === undefined) seen.configured++
        else seen.refused++
        expect({ status: answer?.status, reason: answer?.reason }, story).toEqual({
          status: ex.response?.status,
          reason: ex.failure?.reason,
        })
        expect(lasting(ex.response?.headers ?? []), story).toEqual(
          expect.arrayContaining(lasting(answer?.headers ?? [])),
        )
      }
    }
  }
  expect(Math.min(seen.forwarded, seen.configured, seen.refused), JSON.stringify(seen)).toBeGreaterThan(500)
}, 120_000)
