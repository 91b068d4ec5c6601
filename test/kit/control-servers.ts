import { type ApplicationOptions, application } from '../../src/control/admin/application.ts'
import { AdminGuard } from '../../src/control/admin/guard.ts'
import { OnDemand } from '../../src/control/admin/on-demand.ts'
import { type PageSources, pagesOf } from '../../src/control/admin/pages.ts'
import type { ProbeFacts } from '../../src/control/admin/probes.ts'
import { ControlServer, pagesOnly } from '../../src/control/admin/server.ts'
import { Tokens } from '../../src/control/admin/tokens.ts'

/** Of a gateway that serves. */
export const SERVING: ProbeFacts = {
  configured: true,
  listening: true,
  draining: false,
  silence: 0,
  loopAge: 0,
  replacingFails: false,
  workers: 1,
  workersServing: 1,
  upstreamsDown: 0,
  configStale: false,
}

/** Reads need no token; `all` is one of an admin. */
export function openGuard(): AdminGuard {
  const tokens = new Tokens([{ name: 'root', role: 'admin', secret: 'all' }])
  return new AdminGuard({ tokens, guardReads: false, hosts: [] })
}

/** Carries out commands, and records none. */
export const UNAUDITED: ApplicationOptions['auditor'] = { run: (_, run) => run(), refused: async () => {} }

/** A server of the control plane on a port of loopback. */
export interface Opened {
  readonly port: number
  close(): Promise<void>
}

interface Loads {
  /** What the admin API waits for when the first request comes. */
  loading(): Promise<void>
  /** What was loaded has been closed. */
  closed(): void
}

/** The admin API with these operations. */
export async function openAdmin(
  options: Omit<ApplicationOptions, 'pages' | 'streams' | 'dashboard'> & PageSources,
  loads?: Loads,
): Promise<Opened> {
  const pages = pagesOf(options)
  const api = new OnDemand({
    async load() {
      await loads?.loading()
      const streams: ApplicationOptions['streams'] = (socket) => server.streams(socket)
      const app = application({ ...options, pages, streams, dashboard: new Map() })
      app.addHook('onClose', async () => loads?.closed())
      await app.ready()
      return app
    },
    guard: options.guard,
    clock: options.clock,
    failed: options.bug,
  })
  const server: ControlServer = new ControlServer({ ...options, pages, rest: (...asked) => api.handle(...asked) })
  const port = await server.listen('127.0.0.1', 0)
  return {
    port,
    async close() {
      await api.close()
      await server.close()
    },
  }
}

export async function openProbes(sources: PageSources): Promise<Opened> {
  const server = new ControlServer({ pages: pagesOf(sources), guard: undefined, rest: pagesOnly, bug: () => {} })
  return { port: await server.listen('127.0.0.1', 0), close: () => server.close() }
}
