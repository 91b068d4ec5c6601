import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PluginModule } from '../../core/plugin.ts'
import { liesIn, realOf } from '../../lib/folders.ts'

/** Sluice itself, as source or built. */
const CODE = fileURLToPath(new URL('../..', import.meta.url))

const BELT: readonly string[] = [
  '--permission',
  '--allow-net',
  // A thread's options name no file to run, and Node takes that for the working directory, which the thread could read then
  // (`Environment::InitializeMainContext` in src/env.cc): all there is, where that is `/`. Not if it seems to be a REPL.
  '--interactive',
  // The permission model does not cover it.
  '--no-experimental-sqlite',
  // That --allow-net is one.
  '--disable-warning=ExperimentalWarning',
]

/** Options of the process that say how its threads speak TLS: those of a thread are no others than it is given. */
const TLS = /^--(use-system-ca|tls-(min|max)-v1\.[0-3])$/

/**
 * What a thread with our code, and with that of plug-ins, may read and do.
 *
 * @param reads what it may read besides
 * @param state folder of what the gateway keeps; undefined: it keeps nothing on disk
 */
export function seatBelt(
  plugins: readonly PluginModule[],
  reads: readonly string[],
  state: string | undefined,
): { readonly env: Record<string, string>; readonly execArgv: string[] } {
  const folders = [CODE, ...plugins.map(({ folder, url }) => folder ?? dirname(fileURLToPath(url)))]
  const walked = new Set<string>()
  const packages = folders.flatMap((folder) => packagesFor(folder, walked))
  const allowed = new Set([CODE, join(CODE, '../package.json'), ...reads, ...packages])
  for (const { folder } of plugins)
    if (folder !== undefined && (state === undefined || !liesIn(state, folder))) allowed.add(folder)
  // Sorted: what is in a folder that is readable must not go ahead of it, or Node denies the folder itself (not its content).
  return { env: {}, execArgv: [...BELT, ...tlsOptions(), ...[...allowed].toSorted().flatMap(allowing)] }
}

/**
 * Where Node looks for the packages that a file of a folder imports, and where it reads them if that is a link; without what
 * was `walked` through before.
 */
function packagesFor(folder: string, walked: Set<string>): readonly string[] {
  if (walked.has(folder)) return []
  walked.add(folder)
  const packages = join(folder, 'node_modules')
  const above = dirname(folder)
  const target = realOf(packages)
  // A link to a folder that it lies in itself would open all that is there.
  return [packages, ...(liesIn(folder, target) ? [] : [target]), ...packagesFor(above, walked)]
}

/** The second is for a folder that is not there yet; of one that is, Node makes it itself. */
function allowing(path: string): readonly string[] {
  return [`--allow-fs-read=${path}`, `--allow-fs-read=${join(path, '*')}`]
}

function tlsOptions(): readonly string[] {
  const { NODE_OPTIONS = '', NODE_USE_SYSTEM_CA } = process.env
  const system = NODE_USE_SYSTEM_CA === '1' ? ['--use-system-ca'] : []
  return [...process.execArgv, ...NODE_OPTIONS.split(' '), ...system].filter((option) => TLS.test(option))
}
