import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ConfigObject } from '../config/sources/memory.ts'
import type { ConfigSource } from '../config/sources/source.ts'
import type { AnyFeature } from '../core/feature.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { GatewayEvents } from './events.ts'
import type { ConfigProblem } from './gateway-error.ts'
import type { BoundAddress, GatewayStatus } from './status.ts'

/** What a gateway is made of, wherever its requests are served. */
export interface CommonOptions {
  /**
   * The config: an object with the keys that YAML would have; a YAML text of more than one line; the path (or file URL) of a
   * file or a folder, which is watched as `watch` says; or a source of one's own. Paths in an object or a text are relative
   * to the folder that the process runs in.
   */
  readonly config: ConfigObject | string | URL | ConfigSource
  /** The operational log. Default: none. Its level is `logging.level` of the config. */
  readonly log?: Log
  /** Gets each line of the access log, without line feed, some 50 ms after the request. Default: there is no access log. */
  readonly accessLog?: (line: string) => void
  /** Randomness, for tests: `seededRandom(1)`; threads have their own. Default: that of the system. */
  readonly random?: Random
  /** Serves the admin API and the probes where the config says. Default: false. Without `admin.auth` and `stateDir` it takes no commands. */
  readonly admin?: boolean
  /** What `${NAME}` in the config stands for, and `{ env: NAME }` of secrets. Default: the environment of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** A gateway that serves from the thread that makes it. */
export interface InlineOptions extends CommonOptions {
  readonly workers?: 'inline'
  /** More features, as `defineFeature` gives them, or modules whose default export is one or a list of them. */
  readonly features?: readonly (AnyFeature | URL)[]
  /** Time, for tests: `new VirtualClock()` stands still until it is told to advance. Default: that of the machine. */
  readonly clock?: Clock
}

/** A gateway that serves from threads of its own. */
export interface ThreadedOptions extends CommonOptions {
  /** How many: from 1. In place of `workers` of the config. */
  readonly workers: number
  /** Modules whose default export is a feature or a list of them: functions cannot be sent to threads. */
  readonly features?: readonly URL[]
}

export type GatewayOptions = InlineOptions | ThreadedOptions

/** Takes requests of a `node:http` or `node:https` server, or of a framework on top of one. HTTP/1 only. */
export interface RequestHandler {
  /**
   * Takes a request over: nothing else may read its body or answer it from then on. Fields that were set on `res` before are
   * sent, too, unless the answer has them itself. Throws a TypeError if the body was read already, by a body parser for
   * example.
   */
  (req: IncomingMessage, res: ServerResponse): void
  /**
   * For `upgrade` events of a server: answers as if no upgrade were offered, or 501 where the route takes it up, and closes the
   * connection afterwards.
   */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** What became of a config that was loaded. */
export interface AppliedConfig {
  /** False: it means the same as the one before. */
  readonly changed: boolean
  /** SHA-256 of the live config, in hex. */
  readonly hash: string
  /** Warnings; with `onInvalid: keepGood` errors, too. */
  readonly problems: readonly ConfigProblem[]
  /** Keys that take effect with another gateway only. */
  readonly restart: readonly string[]
}

/** A gateway in a program. Its config is live; requests come through its listeners, once they are open. */
export interface EmbeddedGateway {
  /** Opens the listeners of the config. Rejects with a {@link GatewayError} of code `listen`; none is open then. */
  listen(): Promise<readonly BoundAddress[]>
  /**
   * Drains as `sluice run` does at SIGINT: no new connections, requests in flight have `drain.timeout` to finish. Resolves
   * when nothing of the gateway is left: no socket, timer or thread. Never rejects.
   */
  close(): Promise<void>
  status(): GatewayStatus
  /** Calls `listener` at each event until the returned function is called. */
  on<K extends keyof GatewayEvents>(event: K, listener: (event: GatewayEvents[K]) => void): () => void
  /**
   * Reads the config again where it came from. Requests go on; rejects with a {@link GatewayError} of code `config` if it
   * cannot be made live, and the one before stays.
   */
  reload(): Promise<AppliedConfig>
  /** The same with another config, an object or YAML; one that came from a file is back after the next reload. */
  apply(config: ConfigObject | string): Promise<AppliedConfig>
}

/** One that serves from the thread that made it. */
export interface InlineGateway extends EmbeddedGateway {
  /** Serves requests of another server, as if they came by the first listener of the config, whether that is open or not. */
  readonly handler: RequestHandler
}
