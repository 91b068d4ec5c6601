import { type ApplicationOptions, application } from '../../src/control/admin/application.ts'
import { OnDemand } from '../../src/control/admin/on-demand.ts'
import { type PageSources, pagesOf } from '../../src/control/admin/pages.ts'
import type { ProbeFacts } from '../../src/control/admin/probes.ts'
import { ControlServer, pagesOnly } from '../../src/control/admin/server.ts'

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

/** A server of the control plane on a port of loopback. */
export interface Opened {
  readonly port: number
  close(): Promise<void>
}

/** The admin API with these operations. `loading`: what it waits for when the first request comes. */
export async function openAdmin(
  options: Omit<ApplicationOptions, 'pages' | 'streams' | 'dashboard'> & PageSources,
  loading: () => Promise<void> = async () => {},
): Promise<Opened> {
  const pages = pagesOf(options)
  const api = new OnDemand({
    async load() {
      await loading()
      const streams: ApplicationOptions['streams'] = (socket) => server.streams(socket)
      const app = application({ ...options, pages, streams, dashboard: new Map() })
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
