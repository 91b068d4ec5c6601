import { type AnyFeature, inOrder } from '../core/feature.ts'
import type { PluginModule } from '../core/plugin.ts'

/** What a plug-in's module exports. */
interface Exports {
  readonly default?: AnyFeature | readonly AnyFeature[]
}

/** Some features with those of plug-ins among them, in the order in which they act. Rejects with what a module throws. */
export async function withPlugins(
  own: readonly AnyFeature[],
  plugins: readonly PluginModule[],
): Promise<readonly AnyFeature[]> {
  if (plugins.length === 0) return own
  const loaded = await Promise.all(plugins.map(async ({ url }) => ((await import(url)) as Exports).default ?? []))
  return inOrder([...own, ...loaded.flat()])
}
