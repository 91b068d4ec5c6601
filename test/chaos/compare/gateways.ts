import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DrillStage } from '../../../src/tools/drill/drill.ts'
import { nginxShell } from '../../bench/nginx.ts'
import { endChild } from '../../kit/end-child.ts'
import { startSluice } from '../../kit/sluice.ts'
import { closedPort, tcpConnect } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { haproxyConfig, nginxConfig, type Plan, sluiceConfig } from './configs.ts'

/** A gateway that runs. */
export interface Running {
  readonly port: number
  stop(): Promise<unknown>
}

/** A gateway that is compared. */
export interface Contender {
  readonly name: string
  /** undefined: it is not installed. */
  version(): string | undefined
  /** Its config, as the page shows it. */
  config(plan: Plan, port: number, endpoints: DrillStage['endpoints']): string
  start(plan: Plan, endpoints: DrillStage['endpoints']): Promise<Running>
}

const sluice: Contender = {
  name: 'Sluice',
  version: () => 'this version',
  config: (plan, port, endpoints) => sluiceConfig(plan, port, endpoints),
  async start(plan, endpoints) {
    const running = await startSluice(sluiceConfig(plan, 0, endpoints))
    return { port: running.port(), stop: () => running.stop() }
  },
}

const nginx: Contender = {
  name: 'nginx',
  version: () => versionOf('nginx', '-v'),
  config: nginxConfig,
  async start(plan, endpoints) {
    const port = await closedPort()
    const folder = await mkdtemp(join(tmpdir(), 'sluice-compare-'))
    const { command, args } = await nginxShell(folder, nginxConfig(plan, port, endpoints))
    return running(command, args, folder, port)
  },
}

const haproxy: Contender = {
  name: 'HAProxy',
  version: () => versionOf('haproxy', '-v'),
  config: haproxyConfig,
  async start(plan, endpoints) {
    const port = await closedPort()
    const folder = await mkdtemp(join(tmpdir(), 'sluice-compare-'))
    const file = join(folder, 'haproxy.cfg')
    await writeFile(file, haproxyConfig(plan, port, endpoints))
    return running('haproxy', ['-db', '-q', '-f', file], folder, port)
  },
}

export const CONTENDERS: readonly Contender[] = [sluice, nginx, haproxy]

async function running(command: string, args: readonly string[], folder: string, port: number): Promise<Running> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'ignore'] })
  const stop = (): Promise<void> => end(child, folder)
  try {
    await until(() => listens(port), `${command} listens`)
  } catch (error) {
    await stop()
    throw error
  }
  return { port, stop }
}

async function listens(port: number): Promise<boolean> {
  try {
    ;(await tcpConnect(port)).socket.destroy()
    return true
  } catch {
    return false
  }
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  await endChild(child)
  await rm(folder, { recursive: true, force: true })
}

function versionOf(command: string, flag: string): string | undefined {
  const { status, stderr, stdout } = spawnSync(command, [flag], { encoding: 'utf8' })
  return status === 0 ? /\d+\.\d+\.\d+/.exec(`${stdout}${stderr}`)?.[0] : undefined
}
