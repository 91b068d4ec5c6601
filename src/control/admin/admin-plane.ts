import type { FastifyInstance } from 'fastify'
import type { Config } from '../../config/language/config.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import type { Bound } from '../contract.ts'
import { ListenFailed } from '../machine/sockets.ts'
import { adminToken } from '../machine/state-dir.ts'
import { readTokens } from '../operations/reload/secrets.ts'
import { dashboardFiles } from './dashboard/files.ts'
import { AdminGuard } from './guard.ts'
import { ProxyIdentity } from './proxy-identity.ts'
import { type AdminOptions, adminServer, probeServer } from './server.ts'
import { Tokens } from './tokens.ts'

export interface AdminPlaneOptions
  extends Pick<AdminOptions, 'facts' | 'metrics' | 'operations' | 'clock' | 'auditor'> {
  readonly config: Config
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the token is kept that is made if the config has none; undefined: none is made, and commands are refused then. */
  readonly stateDir: string | undefined
  readonly random: Random
  readonly log: Log
  /** For what an operator must see once and what is not kept: a line on stderr. */
  readonly notice: (line: string) => void
}

/** The servers of the control plane, listening. */
export interface AdminPlane {
  readonly admin: Bound
  readonly probes: Bound | undefined
  /** File of the token that was made because the config has none. */
  readonly tokenFile: string | undefined
  /**
   * Reads hosts and tokens of another config; they take effect when the function returned is called. Without tokens in it,
   * the one that was made at start stays. Rejects when a secret is missing.
   */
  renew(config: Config): Promise<() => void>
  close(): Promise<void>
}

/** Opens the admin API and the probes. Rejects with what is wrong, for operators; nothing stays open then. */
export async function openAdminPlane(options: AdminPlaneOptions): Promise<AdminPlane> {
  const { config, log } = options
  const { admin, probes } = config
  const own = await ownToken(options)
  let guard = await guardOf(config, options.env, own.tokens)
  const renew = async (next: Config): Promise<() => void> => {
    const renewed = await guardOf(next, options.env, own.tokens)
    return () => {
      guard = renewed
    }
  }
  const { tokenFile } = own
  const api = adminServer({
    ...options,
    dashboard: await dashboardFiles(),
    guard: { check: (request, needs) => guard.check(request, needs) },
    bug: (error) => log.error('bug in the admin API', { error }),
  })
  const apps = [api]
  const close = async (): Promise<void> => {
    await Promise.all(apps.map((app) => app.close()))
  }
  try {
    const boundAdmin = await listen(api, admin, 'admin.listen')
    if (probes === undefined) return { admin: boundAdmin, probes: undefined, tokenFile, renew, close }
    const app = probeServer(options)
    apps.push(app)
    return { admin: boundAdmin, probes: await listen(app, probes, 'probes.listen'), tokenFile, renew, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function guardOf(config: Config, env: AdminPlaneOptions['env'], own: Tokens | undefined): Promise<AdminGuard> {
  const { hosts, proxy, tokens } = config.admin
  const configured = await readTokens(config, env)
  return new AdminGuard({
    tokens: configured === undefined ? (own ?? new Tokens([])) : new Tokens(configured),
    proxy: proxy && new ProxyIdentity(proxy),
    guardReads: tokens !== undefined || proxy !== undefined,
    hosts,
  })
}

/** The token that is made at start where the config has none. */
async function ownToken({ config, log, notice, random, stateDir }: AdminPlaneOptions) {
  if (config.admin.tokens !== undefined || stateDir === undefined) return { tokens: undefined, tokenFile: undefined }
  const { token, file, problem } = await adminToken(stateDir, random)
  if (problem !== undefined) {
    log.warn('the state directory cannot be used', { dir: stateDir, problem })
    notice(`admin token of this run: ${token}`)
  }
  return { tokens: new Tokens([{ name: 'local', role: 'admin', secret: token }]), tokenFile: file }
}

async function listen(app: FastifyInstance, { host, port }: Bound, key: string): Promise<Bound> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw new ListenFailed(host, port, key, (error as NodeJS.ErrnoException).code ?? 'unknown')
  }
  return { host, port: (app.server.address() as { port: number }).port }
}
