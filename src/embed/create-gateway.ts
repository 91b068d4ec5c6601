import { homedir } from 'node:os'
import { language } from '../config/language/language.ts'
import { loadDeps } from '../config/load-deps.ts'
import type { SettableSource } from '../config/sources/memory.ts'
import type { ConfigSource } from '../config/sources/source.ts'
import { inJudgeThread, workerEntry } from '../control/entry.ts'
import { readFirst } from '../control/first-config.ts'
import { Gateway } from '../control/gateway.ts'
import { thisMachine } from '../control/machine/machine.ts'
import { JudgeHere } from '../control/operations/reload/judge-here.ts'
import { ReloadBusy, type ReloadOutcome } from '../control/operations/reload/reload-outcome.ts'
import { version } from '../control/version.ts'
import { InlineWorkers } from '../control/workers/inline.ts'
import { inThreads } from '../control/workers/thread.ts'
import type { PluginModule } from '../core/plugin.ts'
import { keptAlive, systemClock } from '../lib/clock.ts'
import { LEVELS, type Level, type LeveledLog, type Log } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { diagnosticLine } from '../schema/diagnostics.ts'
import { handingLines } from './access-lines.ts'
import type {
  AppliedConfig,
  EmbeddedGateway,
  GatewayOptions,
  InlineGateway,
  InlineOptions,
  ThreadedOptions,
} from './api.ts'
import { EmbeddedClock } from './embedded-clock.ts'
import { EventListeners } from './events.ts'
import { configError, GatewayError, problemOf } from './gateway-error.ts'
import { requestHandler } from './handler.ts'
import { featuresOf, sourceOf, workersOf } from './options.ts'
import type { BoundAddress } from './status.ts'

/**
 * Makes a gateway that is a part of this program. It touches nothing that belongs to the process: signals, exit code,
 * stdout, handlers of uncaught errors; it writes files only where `stateDir` of the config says; and it shares nothing with
 * other gateways. Resolves when the config is live; no listener is open yet. Rejects with a {@link GatewayError}; nothing is
 * left then.
 */
export async function createGateway(options: ThreadedOptions): Promise<EmbeddedGateway>
export async function createGateway(options: InlineOptions): Promise<InlineGateway>
export async function createGateway(options: GatewayOptions): Promise<EmbeddedGateway | InlineGateway> {
  const workers = workersOf(options)
  const source = sourceOf(options.config)
  const features = await featuresOf(options, workers !== undefined)
  const clock = new EmbeddedClock(('clock' in options ? options.clock : undefined) ?? systemClock)
  const closed = (): void => {
    clock.close()
    features.loader.close()
  }
  try {
    return await keptAlive(() => begun(options, { source, features, clock, workers, closed }))
  } catch (error) {
    closed()
    throw error
  }
}

/** What a gateway is made with that must be closed after it. */
interface Surroundings {
  readonly source: ConfigSource
  readonly features: Awaited<ReturnType<typeof featuresOf>>
  readonly clock: EmbeddedClock
  /** undefined: inline. */
  readonly workers: number | undefined
  readonly closed: () => void
}

async function begun(options: GatewayOptions, around: Surroundings): Promise<EmbeddedGateway | InlineGateway> {
  const { accessLog, admin = false, env = process.env, random = systemRandom() } = options
  const { clock, source, workers } = around
  const { loader, modules, own } = around.features
  const log = leveled(options.log)
  const load = loadDeps(env, language(own), loader)
  const { diagnostics, first } = await readFirst(source, load)
  if (first === undefined) throw configError(diagnostics)
  for (const diagnostic of diagnostics) log.warn(diagnosticLine(diagnostic))
  const features = (plugins: readonly PluginModule[]) => loader.features(plugins)
  const inline = workers === undefined ? new InlineWorkers({ features, random }) : undefined
  const events = new EventListeners((error) => log.error('a listener of the gateway has thrown', { error }))
  const gateway = new Gateway(first.config, {
    version: version(),
    features: first.language.features,
    plugins: modules,
    clock,
    random,
    log,
    notice: (line) => log.warn(line),
    env,
    home: homedir(),
    machine: thisMachine(),
    workers: workers ?? 1,
    startWorker: inline?.start ?? inThreads(workerEntry()),
    startLogs: accessLog && handingLines(accessLog, clock),
    operations: [],
    reload: { ...first.reload, startJudge: inline === undefined ? inJudgeThread : () => new JudgeHere(load) },
    told: {
      config: (change) => events.tell('config', change),
      state: (change) => events.tell('state', change),
    },
    guest: true,
    testHooks: false,
  })
  try {
    await gateway.begin({ admin })
  } catch (error) {
    throw new GatewayError('config', `the config cannot be made live: ${(error as Error).message}`, { cause: error })
  }
  const common = embedded(gateway, around, events)
  return inline === undefined ? common : { ...common, handler: requestHandler(inline) }
}

function embedded(gateway: Gateway, around: Surroundings, events: EventListeners): EmbeddedGateway {
  const { clock, closed, source } = around
  let listening: Promise<readonly BoundAddress[]> | undefined
  let closing: Promise<void> | undefined
  const open = (): void => {
    if (closing !== undefined) throw new GatewayError('closed', 'the gateway was closed')
  }
  const applied = async (attempt: () => Promise<ReloadOutcome | undefined>): Promise<AppliedConfig> => {
    open()
    return resultOf(await keptAlive(attempt).catch(refused))
  }
  return {
    async listen() {
      open()
      listening ??= keptAlive(() => gateway.listen()).catch((error: Error) => {
        listening = undefined
        throw new GatewayError('listen', error.message, { cause: error })
      })
      return listening
    },
    close() {
      clock.beginClosing()
      closing ??= keptAlive(() => gateway.drain('close')).then(closed)
      return closing
    },
    status: () => gateway.status(),
    on: (event, listener) => events.on(event, listener),
    reload: () => applied(() => gateway.reload('signal')),
    apply: (config) =>
      applied(async () => {
        if (!isSettable(source)) return gateway.put(typeof config === 'string' ? config : JSON.stringify(config))
        const set = source.set(config)
        // The source has told of it by now: this is the same attempt.
        const outcome = await gateway.reload('source')
        await set
        return outcome
      }),
  }
}

function isSettable(source: ConfigSource): source is SettableSource {
  return 'set' in source
}

function refused(error: unknown): never {
  if (error instanceof ReloadBusy) throw new GatewayError('config', error.message, { cause: error })
  throw error
}

function resultOf(outcome: ReloadOutcome | undefined): AppliedConfig {
  if (outcome === undefined) throw new GatewayError('closed', 'the gateway was closed')
  const { changed, diagnostics, hash, ok, problems, restart } = outcome
  if (ok) return { changed, hash, problems: diagnostics.map(problemOf), restart }
  if (diagnostics.some(({ severity }) => severity === 'error')) throw configError(diagnostics)
  throw new GatewayError('config', problems[0] ?? 'the config was refused')
}

/** Lines below the level are left out, and a log that throws hurts nothing. */
function leveled(given: Log | undefined): LeveledLog {
  const at =
    (level: Level): Log['info'] =>
    (message, fields) => {
      if (given === undefined || LEVELS.indexOf(level) < LEVELS.indexOf(log.level)) return
      try {
        given[level](message, fields)
      } catch {
        // It cannot be told to the same log.
      }
    }
  const log: LeveledLog = { level: 'info', debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return log
}
