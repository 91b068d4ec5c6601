import { DEFAULT_LANGUAGE } from '../config/language/default-language.ts'
import { type LoadDeps, loadDeps } from '../config/load-deps.ts'
import { waitingClock } from '../lib/clock.ts'
import { PluginLoader } from '../plugins/load.ts'
import type { Io } from './io.ts'

/** Of commands that only look at a config: whether they run the code of its plug-ins. */
export const PLUGINS = { plugins: { type: 'boolean' } } as const

/** What a command loads configs with. `run`: the code of plug-ins, too. */
export function depsOf(io: Io, { run }: { readonly run: boolean }): LoadDeps {
  const { features } = DEFAULT_LANGUAGE
  return loadDeps(io.env, DEFAULT_LANGUAGE, run ? new PluginLoader(features, waitingClock) : undefined)
}
