/** Where a peer runs: its own folder for files, the port it serves on and the backend it forwards to, all loopback. */
export interface Site {
  readonly folder: string
  readonly port: number
  readonly backendPort: number
}

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  /** A file that gets what it prints; undefined: nothing does, as cheaply as the system can. */
  readonly output?: string
  readonly env?: Readonly<Record<string, string>>
}

/** One gateway, set up to forward everything to the backend over kept connections. */
export interface Peer {
  readonly name: string
  /** One line for the report: what runs and with what that matters. */
  readonly about: string
  /** Compiled before it runs: a second of requests settles it. */
  readonly native?: boolean
  /** Some of its threads answer before the others do. */
  readonly several?: boolean
  /** Names of the only scenarios that it is measured in; undefined: all. */
  readonly only?: readonly string[]
  /** Hosts and prefixes that its config tells apart; 1: no matter what is asked. */
  readonly routes?: number
  /** Rejects with why it cannot run on this machine. */
  launch(site: Site): Promise<Launch>
  /** Rejects where it isn't installed. */
  version(): Promise<string>
}

/** One kind of request. */
export interface Scenario {
  readonly name: string
  readonly path: string
  /** Bytes sent; undefined: GET. */
  readonly postBytes?: number
  /** wrk script in `lua/`; gets the peer's number of routes as its argument. */
  readonly script?: string
  /** Connections of the load tool. */
  readonly connections: number
}

/** What one run of one scenario against one peer gave. */
export interface Sample {
  /** CPU microseconds of the peer's processes a request; undefined: no request was answered. */
  readonly cpuUs: number | undefined
  /** Share of the gateway's core that its processes used. Well below 1: something else was the bottleneck. */
  readonly busy: number
  readonly rps: number
  readonly requests: number
  /** Answers that were not 2xx or 3xx, connections that failed, and load tools that gave up. */
  readonly errors: number
  /** Peak resident memory of all its processes since it was launched. */
  readonly peakMiB: number
}

/** Milliseconds at a fixed rate from when a request was due to its answer's last byte. */
export interface Latency {
  /** Requests per second. */
  readonly rate: number
  readonly p50: number
  readonly p99: number
  /** How late the load tool itself was, 99th percentile; no part of the above. */
  readonly late: number
  readonly errors: number
}

/** Medians of one peer in one scenario. */
export interface Row {
  readonly peer: string
  readonly scenario: string
  readonly cpuUs: number | undefined
  /** What `cpuUs` is the median of, in the order of the rounds. */
  readonly cpuUsOfRounds: readonly number[]
  /** CPU per request in relation to the reference's in the same round; of the reference itself: ones. */
  readonly quotients: readonly number[]
  /** Their median; undefined without any. */
  readonly ratio: number | undefined
  readonly busy: number
  readonly rps: number
  readonly errors: number
  readonly latency: Latency | undefined
  /** The most of all rounds. */
  readonly peakMiB: number
}
