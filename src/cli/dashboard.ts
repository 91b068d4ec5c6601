import { ADMIN_OPTIONS, withAdmin } from './admin.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'

/** `sluice dashboard`: the link of the dashboard of a running gateway, with the token. For a terminal, not for a log. */
export async function dashboard(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, ADMIN_OPTIONS)
  if (typeof parsed === 'string' || parsed.files.length > 0) {
    io.stderr(`sluice dashboard: ${typeof parsed === 'string' ? parsed : 'expected no arguments'}\n`)
    return Exit.usage
  }
  return withAdmin('dashboard', parsed.flags, io, async (client) => {
    io.stdout(`${dashboardUrl(client.origin, await client.token())}\n`)
  })
}

/** `admin`: origin of the admin address. A fragment is never sent, so that no log gets the token. */
export function dashboardUrl(admin: string, token?: string): string {
  return `${admin}/dashboard/${token === undefined ? '' : `#token=${encodeURIComponent(token)}`}`
}
