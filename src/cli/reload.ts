import { ADMIN_OPTIONS, withAdmin } from './admin.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'

/** What the gateway reports of an attempt that succeeded. */
export interface Applied {
  readonly changed: boolean
  readonly hash: string
  readonly problems: readonly string[]
  readonly restart: readonly string[]
  readonly kept: readonly { readonly kind: string; readonly name: string; readonly became: string }[]
  readonly inHistory: boolean
}

/** `sluice reload`: makes a running gateway read its files again. 2 when they are bad: then nothing has changed. */
export async function reload(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, ADMIN_OPTIONS)
  if (typeof parsed === 'string' || parsed.files.length > 0) {
    io.stderr(`sluice reload: ${typeof parsed === 'string' ? parsed : 'expected no arguments'}\n`)
    return Exit.usage
  }
  return withAdmin('reload', parsed.flags, io, async (client) => {
    tell((await client.post('reload', {})) as Applied, io)
  })
}

export function tell({ changed, hash, inHistory, problems, ...rest }: Applied, io: Io): void {
  for (const problem of problems) io.stderr(`${problem}\n`)
  io.stdout(`${changed ? 'live' : 'nothing has changed'}: ${hash.slice(0, 12)}\n`)
  for (const line of leftovers(rest)) io.stdout(`${line}\n`)
  // A config with bad parts never is.
  if (!inHistory && rest.kept.length === 0)
    io.stderr('it could not be stored: after a restart, rollback and --last-known-good do not find it\n')
}

/** Parts of a config that are not live, and why. */
export function leftovers({ kept, restart }: Pick<Applied, 'kept' | 'restart'>): string[] {
  const bad = kept.map(({ became, kind, name }) => `${kind}.${name} has errors: ${became}`)
  return restart.length === 0 ? bad : [...bad, `with the next start: ${restart.join(', ')}`]
}
