import { homedir } from 'node:os'
import { resolve } from 'node:path'
import type { Config } from '../config/language/config.ts'
import { type LoadDeps, loadDeps } from '../config/load-deps.ts'
import type { ReloadSource } from '../control/gateway.ts'
import { signatureOf } from '../control/machine/file-watch.ts'
import { stateFolders } from '../control/machine/state-dir.ts'
import { latestOf } from '../control/operations/reload/archive.ts'
import { configReader, keptReader } from '../control/operations/reload/config-reader.ts'
import { render } from './check.ts'
import type { Io } from './io.ts'

/** What the gateway starts with. */
export interface FirstConfig {
  readonly config: Config
  readonly reload: ReloadSource
}

/**
 * Loads the config that the gateway starts with. `lastKnownGood`: where the file is bad, the last one of this file that was
 * live, from `stateDir` or wherever a gateway of this user keeps its state. undefined: there is none; what is wrong is on
 * stderr.
 */
export async function firstConfig(
  file: string,
  { lastKnownGood, stateDir }: { readonly lastKnownGood: boolean; readonly stateDir: string | undefined },
  io: Io,
): Promise<FirstConfig | undefined> {
  const deps: LoadDeps = loadDeps(io.env)
  const reader = configReader(file, deps)
  const before = await signatureOf([resolve(file)])
  const { config, diagnostics, sources, tree } = await reader.load()
  io.stderr(await render(diagnostics, io.isTTY))
  const signature = sources.length === 1 ? before : await signatureOf(sources)
  if (config !== undefined && tree !== undefined) {
    const { documents } = reader
    return { config, reload: { file, env: io.env, sources, signature, source: 'files', refused: [], documents, tree } }
  }
  if (!lastKnownGood) return undefined
  const kept = await latestOf(await stateFolders({ configured: stateDir, env: io.env, home: homedir() }), resolve(file))
  if (kept === undefined) {
    io.stderr(
      'sluice run: no config of this file was ever stored; --state-dir DIR names the folder of the gateway’s state\n',
    )
    return undefined
  }
  const old = await keptReader(kept, deps).load()
  io.stderr(await render(old.diagnostics, false))
  if (old.config === undefined || old.tree === undefined) return undefined
  io.stderr(`sluice run: the config is bad; going on with the last good one, of ${kept.savedAt}\n`)
  const { documents } = kept
  const source = 'last-known-good'
  return {
    config: old.config,
    reload: { file, env: io.env, sources, signature, source, refused: diagnostics, documents, tree: old.tree },
  }
}
