import type { FastifyInstance } from 'fastify'
import type { Config } from '../../config/language/config.ts'
import type { Operation } from '../../core/operation.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import type { Bound } from '../contract.ts'
import { ListenFailed } from '../machine/sockets.ts'
import { adminToken } from '../machine/state-dir.ts'
import { readTokens } from '../operations/reload/secrets.ts'
import type { ApplicationOptions } from './application.ts'
import { AdminGuard } from './guard.ts'
import { OnDemand } from './on-demand.ts'
import { type PageSources, pagesOf } from './pages.ts'
import { ProxyIdentity } from './proxy-identity.ts'
import { ControlServer, pagesOnly } from './server.ts'
import { Tokens } from './tokens.ts'

export interface AdminPlaneOptions extends PageSources, Pick<ApplicationOptions, 'clock' | 'auditor'> {
  readonly config: Config
  /** Asked when the API is first used. */
  readonly operations: () => Promise<readonly Operation[]>
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
  const served = {
    pages: pagesOf(options),
    guard: { check: (...asked) => guard.check(...asked) } satisfies Pick<AdminGuard, 'check'>,
    bug: (error: unknown) => log.error('bug in the admin API', { error }),
  }
  const api = new OnDemand({
    load: () => load({ ...options, ...served, streams: (socket) => adminServer.streams(socket) }),
    guard: served.guard,
    clock: options.clock,
    failed: (error) => log.error('the admin API cannot be loaded', { error }),
  })
  const adminServer = new ControlServer({ ...served, rest: (...asked) => api.handle(...asked) })
  const probeServer = new ControlServer({ ...served, guard: undefined, rest: pagesOnly })
  const close = async (): Promise<void> => {
    await api.close()
    await Promise.all([adminServer.close(), probeServer.close()])
  }
  try {
    const bound = { admin: await listen(adminServer, admin, 'admin.listen'), probes: undefined }
    if (probes === undefined) return { ...bound, tokenFile, renew, close }
    return { ...bound, probes: await listen(probeServer, probes, 'probes.listen'), tokenFile, renew, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** What is needed only where the API or the dashboard is used. */
async function load(
  options: Omit<ApplicationOptions, 'dashboard' | 'operations'> & Pick<AdminPlaneOptions, 'operations'>,
): Promise<FastifyInstance> {
  const [{ application }, { dashboardFiles }] = await Promise.all([
    import('./application.ts'),
    import('./dashboard/files.ts'),
  ])
  const app = application({ ...options, dashboard: await dashboardFiles(), operations: await options.operations() })
  await app.ready()
  return app
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

async function listen(server: ControlServer, { host, port }: Bound, key: string): Promise<Bound> {
  try {
    return { host, port: await server.listen(host, port) }
  } catch (error) {
    throw new ListenFailed(host, port, key, (error as NodeJS.ErrnoException).code ?? 'unknown')
  }
}
