import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { filesSource } from '../config/sources/files.ts'
import { type ConfigObject, memorySource } from '../config/sources/memory.ts'
import type { ConfigSource } from '../config/sources/source.ts'
import { type AnyFeature, inOrder } from '../core/feature.ts'
import { FEATURES } from '../features/index.ts'
import { systemClock } from '../lib/clock.ts'
import { clashes } from '../plugins/clashes.ts'
import { readCode } from '../plugins/code.ts'
import { PluginLoader } from '../plugins/load.ts'
import { shapeProblems } from '../plugins/shape.ts'
import type { CommonOptions, GatewayOptions } from './api.ts'
import { GatewayError } from './gateway-error.ts'

/** The source that a program means. */
export function sourceOf(config: CommonOptions['config']): ConfigSource {
  if (config instanceof URL) return filesSource(fileURLToPath(config))
  if (typeof config === 'string')
    return config.includes('\n') ? memorySource(config, process.cwd()) : filesSource(config)
  if (typeof config !== 'object' || config === null)
    throw new GatewayError('options', `config is ${String(config)}; it is an object, YAML, a path or a source`)
  return isSource(config) ? config : memorySource(config, process.cwd())
}

function isSource(config: ConfigObject | ConfigSource): config is ConfigSource {
  return typeof config.load === 'function' && typeof config.watch === 'function'
}

/** Undefined: inline. */
export function workersOf({ workers = 'inline' }: GatewayOptions): number | undefined {
  if (workers === 'inline') return undefined
  if (Number.isInteger(workers) && workers >= 1 && workers <= 256) return workers
  throw new GatewayError('options', `workers is ${String(workers)}; it is 'inline' or a whole number from 1 to 256`)
}

/** The features of a gateway without those of its config: `own` in this thread, and those of `modules` in every thread. */
export async function featuresOf(options: GatewayOptions, threads: boolean) {
  const features: readonly (AnyFeature | URL)[] = options.features ?? []
  const objects = features.filter((feature): feature is AnyFeature => !(feature instanceof URL))
  if (threads && objects.length > 0)
    throw new GatewayError(
      'options',
      `features: ${objects.map(({ name }) => name).join(', ')} cannot be sent to threads; give the URL of a module whose default export it is, or workers: 'inline'`,
    )
  const own = [...FEATURES]
  for (const object of objects) {
    const [wrong] = [...shapeProblems(object), ...clashes(object, own)]
    if (wrong !== undefined) throw new GatewayError('options', `features: ${String(object.name)}: ${wrong}`)
    own.push(object)
  }
  const urls = features.filter((feature) => feature instanceof URL)
  try {
    const modules = await Promise.all(urls.map((url) => readCode(url.href, fileURLToPath(url), readFile)))
    const loader = new PluginLoader(inOrder(own), systemClock, modules)
    await loader.features(modules)
    return { own: inOrder(own), modules, loader }
  } catch (error) {
    throw new GatewayError('options', `features: ${(error as Error).message}`, { cause: error })
  }
}
