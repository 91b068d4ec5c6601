import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Peer } from '../contract.ts'
import type { Stage } from '../without.ts'
import { packageVersion } from './script.ts'

const SOURCE = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url))
const COMPILED = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url))
const WITHOUT = new URL('../without.ts', import.meta.url)

export interface SluiceSetup {
  readonly name: string
  readonly about: string
  readonly cli?: string
  readonly workers?: number
  /** Host and prefix routes besides the one that takes the rest. */
  readonly routes?: number
  /** Lines of YAML at the root. */
  readonly root?: readonly string[]
  /** Lines of YAML that stand in the route that takes everything, at its indentation. */
  readonly route?: readonly string[]
  /** The same for the upstream. */
  readonly upstream?: readonly string[]
  /** Share of the traces that are recorded, `1%`; undefined: no spans. The backend takes them. */
  readonly traces?: string
  /** What it prints goes to a file. */
  readonly logged?: boolean
  readonly only?: Peer['only']
  /** A stage that no config switches off, cut out of every thread. */
  readonly without?: Stage
}

/** Sluice with the built-in defaults but for what `setup` changes; its access log is on and goes to nowhere. */
export function sluicePeer(setup: SluiceSetup): Peer {
  const { name, about, cli = SOURCE, logged = false, only, routes = 1, without, workers = 1 } = setup
  return {
    name,
    about,
    routes,
    several: workers > 1,
    ...(only && { only }),
    version: () => packageVersion('.'),
    async launch({ folder, port, backendPort }) {
      await access(cli).catch(() => {
        throw new Error('not built: run npm run build')
      })
      await mkdir(folder, { recursive: true })
      const file = join(folder, 'sluice.yaml')
      await writeFile(file, config(setup, folder, port, backendPort))
      return {
        command: process.execPath,
        args: [...(without === undefined ? [] : ['--import', WITHOUT.href]), cli, 'run', file],
        ...(logged && { output: join(folder, 'access.log') }),
        env: { NODE_ENV: 'production', ...(without === undefined ? {} : { SLUICE_BENCH_WITHOUT: without }) },
      }
    },
  }
}

export const sluice = sluicePeer({ name: 'sluice', about: 'all defaults, access log on, one worker' })

/** Its lines are written where the launches have their files, and removed with them. */
export const sluiceLogged = sluicePeer({
  name: 'sluice-log-to-file',
  about: 'the same, its access log written to a file',
  logged: true,
  only: ['small'],
})

export const sluiceCompiled = sluicePeer({
  name: 'sluice-compiled',
  about: 'the same, compiled to JavaScript as it ships',
  only: ['small'],
  cli: COMPILED,
})

function config(setup: SluiceSetup, folder: string, port: number, backendPort: number): string {
  const { workers = 1, root = [], routes = 1, route = [], traces, upstream = [] } = setup
  const collector = `otlp: { endpoint: "http://127.0.0.1:${backendPort}" }`
  // Left out where it is off: versions before it know no such key.
  const tracing = traces === undefined ? '' : `tracing: { ${collector}, sample: ${traces} }\n`
  return `apiVersion: sluice/v1
gateway: { name: bench }
workers: ${workers}
listeners:
  web: { listen: "127.0.0.1:${port}" }
admin: { listen: "127.0.0.1:0" }
drain: { delay: 0s, timeout: 1s }
stateDir: ${JSON.stringify(join(folder, 'state'))}
${tracing}${root.map((line) => `${line}\n`).join('')}upstreams:
  backend:
    endpoints: ["http://127.0.0.1:${backendPort}"]
${upstream.map((line) => `    ${line}\n`).join('')}routes:
  all:
    match: { path: /* }
    to: backend
${route.map((line) => `    ${line}\n`).join('')}${routes === 1 ? '' : spread(routes)}`
}

/** Distinct hosts and prefixes; see `lua/spread.lua`, which asks for each. */
function spread(routes: number): string {
  return Array.from(
    { length: routes },
    (_, i) => `  r${i}:\n    match: { host: h${i}.example.com, path: /service-${i}/* }\n    to: backend\n`,
  ).join('')
}
