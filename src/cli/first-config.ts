import { homedir } from 'node:os'
import { loadDeps } from '../config/load-deps.ts'
import type { ConfigSource } from '../config/sources/source.ts'
import { type FirstConfig, lastGood, readFirst } from '../control/first-config.ts'
import { stateFolders } from '../control/machine/state-dir.ts'
import { render } from './check.ts'
import type { Io } from './io.ts'

export interface FirstOptions {
  /** Where the config is bad, the last one of this source that was live will do. */
  readonly lastKnownGood: boolean
  /** Where gateways of this user keep their state; undefined: where they do by default. */
  readonly stateDir: string | undefined
}

/** Loads the config that the gateway starts with. undefined: there is none; what is wrong is on stderr. */
export async function firstConfig(
  source: ConfigSource,
  { lastKnownGood, stateDir }: FirstOptions,
  io: Io,
): Promise<FirstConfig | undefined> {
  const deps = loadDeps(io.env)
  const reading = await readFirst(source, deps)
  io.stderr(await render(reading.diagnostics, io.isTTY, reading.documents))
  if (reading.first !== undefined || !lastKnownGood) return reading.first
  const folders = await stateFolders({ configured: stateDir, env: io.env, home: homedir() })
  const last = await lastGood(source, reading, folders, deps)
  if (last === undefined) {
    io.stderr(
      'sluice run: no config of this source was ever stored; --state-dir DIR names the folder of the gateway’s state\n',
    )
    return undefined
  }
  io.stderr(await render(last.diagnostics, false))
  if (last.first !== undefined)
    io.stderr(`sluice run: the config is bad; going on with the last good one, of ${last.kept.savedAt}\n`)
  return last.first
}
