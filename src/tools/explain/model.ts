import type { Config } from '../../config/language/config.ts'
import type { Language } from '../../config/language/language.ts'
import type { LeanConfig, RouteConfig } from '../../core/config.ts'
import { RouteFeatures } from '../../data/engine/compile-features.ts'
import { Forwarder } from '../../data/engine/forward.ts'
import { type RouteTable, RouteTableBuilder } from '../../data/routing/table.ts'
import { RequestIdentity } from '../../data/seeing/request-identity.ts'
import { FieldNames } from '../../lib/headers.ts'
import { seededRandom } from '../../lib/random.ts'
import type { Node } from '../../schema/node.ts'
import { Probes } from './probes.ts'
import { hiddenConditions } from './secrets.ts'

/** A config that was loaded, with what was written in it. */
export interface WrittenConfig {
  readonly config: Config
  /** `tree` of what was loaded. */
  readonly tree: Node
  readonly language: Language
}

/** What a gateway with this config decides by, made of the same parts as a worker's snapshot. */
export class Model {
  readonly lean: LeanConfig
  readonly tree: Node
  readonly language: Language
  readonly names: FieldNames = new FieldNames()
  readonly routes: RouteTable<RouteConfig>
  readonly identity: RequestIdentity
  readonly forwarder: Forwarder
  readonly probes: Probes
  readonly features: RouteFeatures
  /** Values of conditions that must not be shown. */
  readonly hidden: ReadonlySet<string>

  constructor({ config: { lean }, language, tree }: WrittenConfig) {
    this.lean = lean
    this.tree = tree
    this.language = language
    this.features = new RouteFeatures(language.features)
    const builder = new RouteTableBuilder<RouteConfig>(this.names)
    for (const route of lean.routes) builder.add(route, route)
    this.routes = builder.build()
    // What is made by chance for each request is shown as such, see decision.ts.
    this.identity = new RequestIdentity(lean, this.names, seededRandom(0))
    this.forwarder = new Forwarder(
      lean,
      lean.routes.flatMap((route) => this.features.requestFields(route)),
    )
    this.probes = new Probes(this.names)
    this.hidden = hiddenConditions(tree)
  }
}
