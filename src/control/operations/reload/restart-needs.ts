import type { Config } from '../../../config/language/config.ts'

/** Keys whose change takes effect with the next start of the process only, as they stand in the config. */
export function restartNeeds(running: Config, next: Config): readonly string[] {
  const pairs: readonly (readonly [key: string, before: unknown, after: unknown])[] = [
    ['workers', running.workers, next.workers],
    ['earlyCollection', running.earlyCollection, next.earlyCollection],
    ['admin.listen', addressOf(running.admin), addressOf(next.admin)],
    ['probes.listen', addressOf(running.probes), addressOf(next.probes)],
    ['dns', running.dns, next.dns],
    ['stateDir', running.stateDir, next.stateDir],
    ['gateway.name', running.lean.gateway.name, next.lean.gateway.name],
  ]
  return pairs.filter(([, before, after]) => JSON.stringify(before) !== JSON.stringify(after)).map(([key]) => key)
}

function addressOf(bound: { readonly host: string; readonly port: number } | undefined): unknown {
  return bound === undefined ? undefined : [bound.host, bound.port]
}
