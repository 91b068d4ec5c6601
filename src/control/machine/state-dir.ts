import { chmod, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '../../lib/random.ts'
import { writeWhole } from '../../lib/write-whole.ts'

const TOKEN_BYTES = 32
/** In the folder of the gateway. */
export const TOKEN_FILE = 'admin-token'

export interface StatePlace {
  /** `stateDir` of the config. */
  readonly configured: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** `gateway.name`: several gateways may share a machine. */
  readonly gateway: string
}

/** The folder of one gateway: below `stateDir`, else $STATE_DIRECTORY (systemd), else where XDG says. */
export function stateDirOf({ gateway, ...place }: StatePlace): string {
  // The name comes from the config: it must stay one folder below.
  return join(
    stateBase(place),
    encodeURIComponent(gateway).replace(/^\.+/, (dots) => dots.replaceAll('.', '%2E')),
  )
}

/** The folders of all gateways whose state is in one place. */
export async function stateFolders(place: Omit<StatePlace, 'gateway'>): Promise<readonly string[]> {
  const base = stateBase(place)
  const entries = await readdir(base, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(base, name))
}

function stateBase({ configured, env, home }: Omit<StatePlace, 'gateway'>): string {
  const systemd = env.STATE_DIRECTORY?.split(':')[0]
  const xdg = env.XDG_STATE_HOME
  const own = xdg?.startsWith('/') ? join(xdg, 'sluice') : join(home, '.local', 'state', 'sluice')
  return configured ?? (systemd || own)
}

export interface MadeToken {
  readonly token: string
  /** Where it is kept; undefined: nowhere, since the folder cannot be written (`problem` says why). */
  readonly file: string | undefined
  readonly problem: string | undefined
}

/** The admin token of this gateway: the stored one, else a new one, readable by its owner only. `random`: the system's. */
export async function adminToken(dir: string, random: Random): Promise<MadeToken> {
  const file = join(dir, TOKEN_FILE)
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    await chmod(dir, 0o700)
    const kept = await readKept(file)
    if (kept !== undefined) return { token: kept, file, problem: undefined }
    const token = newToken(random)
    await writeWhole(file, `${token}\n`, 0o600, random.uint32())
    return { token, file, problem: undefined }
  } catch (error) {
    return { token: newToken(random), file: undefined, problem: (error as Error).message }
  }
}

/** Undefined: there is none, or the file does not contain a token. */
async function readKept(file: string): Promise<string | undefined> {
  try {
    await chmod(file, 0o600)
    const kept = (await readFile(file, 'utf8')).trim()
    return Buffer.from(kept, 'base64url').length >= TOKEN_BYTES ? kept : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function newToken(random: Random): string {
  return Buffer.from(Uint32Array.from({ length: TOKEN_BYTES / 4 }, () => random.uint32()).buffer).toString('base64url')
}
