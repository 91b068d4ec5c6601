import { homedir } from 'node:os'
import type { ConfigSource } from '../config/sources/source.ts'
import { type FirstConfig, lastGood, readFirst } from '../control/first-config.ts'
import { stateFolders } from '../control/machine/state-dir.ts'
import { systemClock } from '../lib/clock.ts'
import { createLog } from '../lib/log.ts'
import { render } from './check.ts'
import type { Io } from './io.ts'
import { depsOf } from './plugins.ts'

/** When the last config of the source that was live will do. */
export interface FirstOptions {
  /** Where the config is bad. */
  readonly badToo: boolean
  /** Where the source gives none. */
  readonly unread: boolean
  /** Where gateways of this user keep their state; undefined: where they do by default. */
  readonly stateDir: string | undefined
}

/** Loads the config that the gateway starts with. undefined: there is none; what is wrong is on stderr. */
export async function firstConfig(
  source: ConfigSource,
  { badToo, stateDir, unread }: FirstOptions,
  io: Io,
): Promise<FirstConfig | undefined> {
  const deps = depsOf(io, { run: true })
  const reading = await readFirst(source, deps)
  io.stderr(await render(reading.diagnostics, io.isTTY, reading.documents))
  const { first, given } = reading
  if (first !== undefined || !(given ? badToo : unread || badToo)) return first
  const folders = await stateFolders({ configured: stateDir, env: io.env, home: homedir() })
  const log = createLog(io.stderr, systemClock)
  const last = await lastGood(source, reading, folders, deps, { clock: systemClock, log })
  if (last === undefined) {
    const hint = 'where a config sets stateDir, --state-dir DIR names it'
    io.stderr(`sluice run: no config of ${source.name} that was live is kept here; ${hint}\n`)
    return undefined
  }
  io.stderr(await render(last.diagnostics, false))
  if (last.first !== undefined)
    io.stderr(
      `sluice run: the config ${given ? 'is bad' : 'cannot be read'}; going on with the last good one, of ${last.kept.savedAt}\n`,
    )
  return last.first
}
