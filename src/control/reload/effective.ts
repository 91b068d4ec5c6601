import { keyOf } from '../../config/tree.ts'
import type { Written } from '../../explain/model.ts'
import { actingPolicies } from '../../explain/policies.ts'
import { object, required } from '../../schema/composites.ts'
import { text } from '../../schema/scalars.ts'
import { NotFound, readQuery, taking, type View } from '../admin/command.ts'

const question = object({ route: required(text('the name of a route'), 'Which one.') })

/** `GET /api/v1/config/effective?route=R`: every value that holds for a route of the live config, and who says so. */
export function effectiveConfig(live: () => Written): View {
  return taking({ query: question }, ({ query }) => {
    const { route: name } = readQuery(question, query)
    const { config, tree } = live()
    const route = config.lean.routes.find((known) => known.name === name)
    if (route === undefined) throw new NotFound(`the live config has no route ${JSON.stringify(name)}`)
    return {
      route: name,
      hash: config.hash,
      at: keyOf(tree, ['routes', name]),
      upstreams: route.to?.map(({ upstream, weight }) => ({ upstream, weight })) ?? [],
      failover: route.failover,
      policies: actingPolicies(tree, route),
    }
  })
}
