import type { SourceLine } from './draft.ts'

/** A path of a host in what is imported. */
export interface HostPath {
  /** Undefined: any. */
  readonly host: string | undefined
  /** It takes every path. */
  readonly isWhole: boolean
  readonly origin: SourceLine
}

/**
 * Hosts whose other paths would fall to a less specific host. nginx chooses the server first and answers 404 then; Sluice
 * goes on, so that these hosts need a route for the rest.
 */
export function catchAlls(
  paths: readonly HostPath[],
): readonly { readonly host: string; readonly origin: SourceLine }[] {
  const hosts = Map.groupBy(paths, ({ host }) => host)
  return [...hosts].flatMap(([host, own]) => {
    if (host === undefined || own.some(({ isWhole }) => isWhole)) return []
    const falls = [...hosts.keys()].some((other) => other !== host && covers(other, host))
    return falls ? [{ host, origin: (own[0] as HostPath).origin }] : []
  })
}

/** Whether `general` also takes `host`, being less specific. */
export function covers(general: string | undefined, host: string | undefined): boolean {
  if (general === undefined) return host !== undefined
  return general.startsWith('*.') && host !== undefined && host !== general && host.endsWith(general.slice(1))
}
