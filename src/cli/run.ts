import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import type { Config } from '../config/language/config.ts'
import { inJudgeThread, workerEntry } from '../control/entry.ts'
import type { FirstConfig } from '../control/first-config.ts'
import { Gateway, type StartedFacts } from '../control/gateway.ts'
import { thisMachine } from '../control/machine/machine.ts'
import type { DrainKind } from '../control/operations/drain.ts'
import { startLogThread } from '../control/seeing/log/log-thread.ts'
import { version } from '../control/version.ts'
import { inThreads } from '../control/workers/thread.ts'
import { addressText, unixPath } from '../lib/address.ts'
import { systemClock } from '../lib/clock.ts'
import { createLog, type LeveledLog, type Log } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { collect, collectAlone } from '../lib/scavenge.ts'
import { strayFrom } from '../plugins/stray.ts'
import type { Demo } from '../tools/demo/demo.ts'
import { configSource, SOURCE_OPTIONS } from './config-source.ts'
import { dashboardUrl } from './dashboard.ts'
import { firstConfig } from './first-config.ts'
import { Exit, type Io } from './io.ts'
import { defaultFile, parseOptions } from './options.ts'

/** After the start: modules and the first config leave 15 MB behind. */
const SETTLED_MS = 10_000

/**
 * `sluice run [FILE|URL] [--demo] [--last-known-good] [--state-dir DIR]`: the gateway, until a signal ends it. 0 after a
 * drain. `--last-known-good`: where the config is bad, the last one of this source that was live. Where a URL cannot be read
 * that is so without the flag, but not with `--config-fresh`.
 */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, {
    demo: { type: 'boolean' },
    'last-known-good': { type: 'boolean' },
    'state-dir': { type: 'string' },
    'config-fresh': { type: 'boolean' },
    ...SOURCE_OPTIONS,
  })
  if (typeof parsed === 'string' || parsed.files.length > 1) {
    io.stderr(`sluice run: ${typeof parsed === 'string' ? parsed : 'expected one file'}\n`)
    return Exit.usage
  }
  const file = parsed.files[0] ?? defaultFile()
  const { 'config-fresh': fresh, 'last-known-good': lastKnownGood, 'state-dir': flag } = parsed.flags
  const stateDir = typeof flag === 'string' ? flag : undefined
  const log = createLog(io.stderr, systemClock)
  const source = await configSource(file, parsed.flags, io, log)
  const wanted = { badToo: lastKnownGood === true, unread: fresh !== true, stateDir }
  const first = await firstConfig(source, wanted, io)
  if (first === undefined) return Exit.badConfig
  const demo = parsed.flags.demo === true ? await demoOf() : undefined
  try {
    await demo?.start()
    return await serve(first, stateDir, demo, log, io)
  } catch (error) {
    io.stderr(`sluice: ${error instanceof Error ? error.message : String(error)}\n`)
    return Exit.failed
  } finally {
    await demo?.stop()
  }
}

async function serve(
  { config, language: { features }, reload }: FirstConfig,
  stateDir: string | undefined,
  demo: Demo | undefined,
  log: LeveledLog,
  io: Io,
): Promise<number> {
  collectAlone()
  const gateway = new Gateway(config, {
    version: version(),
    features,
    plugins: [],
    clock: systemClock,
    random: systemRandom(),
    log,
    notice: (line) => io.stderr(`${line}\n`),
    env: io.env,
    home: homedir(),
    stateDir,
    machine: thisMachine(),
    startWorker: inThreads(workerEntry()),
    startLogs: startLogThread,
    operations: demo === undefined ? [] : [(await import('../tools/demo/fault-operation.ts')).faultOperation(demo)],
    reload: { ...reload, startJudge: inJudgeThread },
    testHooks: io.env.SLUICE_TEST_HOOKS === '1',
  })
  // Before the start: a signal that comes meanwhile must not leave anything behind.
  const ended = onSignals(gateway)
  onUncaught(log, io)
  const facts = await gateway.start()
  await announce(facts, config, demo, log, io)
  const settled = config.earlyCollection ? systemClock.after(SETTLED_MS, collect) : undefined
  try {
    return await Promise.race([ended, gateway.lost])
  } finally {
    systemClock.cancel(settled)
  }
}

/** Loaded only where it was asked for. */
async function demoOf(): Promise<Demo> {
  const { Demo } = await import('../tools/demo/demo.ts')
  return new Demo({ clock: systemClock, random: systemRandom() })
}

async function announce(facts: StartedFacts, config: Config, demo: Demo | undefined, log: Log, io: Io): Promise<void> {
  const url = ({ host, port }: { host: string; port: number }): string => `http://${addressText(host, port)}`
  log.info('ready', {
    gateway: config.lean.gateway.name,
    version: version(),
    config: config.file,
    hash: config.hash.slice(0, 12),
    listeners: Object.fromEntries(facts.listeners.map((one) => [one.name, boundText(one, facts.workers)])),
    admin: facts.admin.port,
    probes: facts.probes?.port,
    workers: facts.workers,
    workersBound: facts.workersBound,
    tokenFile: facts.tokenFile,
    dashboard: dashboardUrl(url(facts.admin)),
  })
  const web = facts.listeners[0]
  if (demo === undefined || web === undefined) return
  const probes = facts.probes ?? facts.admin
  const { tokenFile } = facts
  const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim()
  const dashboard = dashboardUrl(url(facts.admin), token)
  const { banner } = await import('../tools/demo/banner.ts')
  io.stderr(banner({ web: url(web), admin: url(facts.admin), probes: url(probes), tokenFile, dashboard }))
}

/** A port; of a socket with a path that, which one worker alone accepts on. */
function boundText({ host, port }: StartedFacts['listeners'][number], workers: number): string | number {
  if (unixPath(host) === undefined) return port
  return workers === 1 ? host : `${host}, by one worker`
}

/** The exit code of the drain that a signal begins. */
function onSignals(gateway: Gateway): Promise<number> {
  return new Promise((resolvePromise) => {
    const on = (kind: DrainKind) => () => void gateway.drain(kind).then(resolvePromise)
    process.on('SIGTERM', on('sigterm'))
    process.on('SIGINT', on('sigint'))
    process.on('SIGHUP', () => void gateway.reload('signal').catch(() => {}))
  })
}

/**
 * The control plane runs the code of plug-ins, too: what their timers and promises throw must not end the gateway. Any other
 * uncaught error does, as it would without us.
 */
function onUncaught(log: Log, io: Io): void {
  process.on('uncaughtException', (error) => {
    const plugin = strayFrom(error)
    const { message, stack = message } = error
    if (plugin !== undefined) {
      log.error('a plug-in threw in the control plane where nothing waits for it', { plugin, error: message, stack })
      return
    }
    io.stderr(`sluice: ${stack}\n`)
    process.exit(Exit.failed)
  })
}
