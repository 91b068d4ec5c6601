import { Judge, type StartJudge } from './operations/reload/judge.ts'

/** The entry file of the data plane's threads: source in a checkout, JavaScript in a build. */
export function workerEntry(): URL {
  // A URL is no import: the build doesn't rewrite its extension.
  return new URL(`../data/worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
}

/** Judges configs in a thread of its own. */
export const inJudgeThread: StartJudge = (options) => new Judge({ ...options, entry: judgeEntry() })

/** The entry file of the thread that judges configs. */
export function judgeEntry(): URL {
  return new URL(`./operations/reload/judge-entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
}
