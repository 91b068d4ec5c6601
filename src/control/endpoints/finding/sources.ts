import type { SourceConfig, UpstreamConfig } from '../../../core/config.ts'
import type { Find, FindContext, FoundEndpoint } from '../../../core/endpoint-source.ts'
import { unixPath } from '../../../lib/address.ts'
import { HostAddresses } from './names.ts'
import { type SourceOptions, UpstreamSource } from './source.ts'

export interface SourcesOptions
  extends Pick<SourceOptions, 'clock' | 'log'>,
    Pick<FindContext, 'folder' | 'servers' | 'lookup'> {
  /** How endpoints are found, by kind. */
  readonly kinds: () => Readonly<Record<string, Find>>
  /** An upstream has other endpoints than before. */
  readonly onChange: (upstream: string) => void
}

interface Watched {
  readonly source: UpstreamSource
  readonly end: () => void
}

/** The upstreams whose endpoints are discovered, each with its source. By name and what to look for. */
export class Sources {
  private readonly options: SourcesOptions
  private readonly watched = new Map<string, Watched>()

  constructor(options: SourcesOptions) {
    this.options = options
  }

  /**
   * Watches these upstreams and no others; the same one twice while its source is about to change. Resolves when each
   * new source was looked at once, with whatever result.
   */
  async watch(upstreams: readonly UpstreamConfig[]): Promise<void> {
    const wanted = new Map(upstreams.map((upstream) => [keyOf(upstream), upstream]))
    for (const key of this.watched.keys()) if (!wanted.has(key)) this.drop(key)
    const first: Promise<void>[] = []
    for (const [key, { name, source }] of wanted) {
      if (source === undefined || this.watched.has(key)) continue
      first.push(this.add(key, name, source).refresh())
    }
    await Promise.all(first)
  }

  /** Latest known endpoints of an upstream; none when they were never found. */
  found(upstream: UpstreamConfig): readonly FoundEndpoint[] {
    return this.watched.get(keyOf(upstream))?.source.found ?? []
  }

  close(): void {
    for (const key of this.watched.keys()) this.drop(key)
  }

  private add(key: string, upstream: string, { every, kind, options }: SourceConfig): UpstreamSource {
    const { clock, folder, kinds, log, lookup, onChange, servers } = this.options
    const hosts = new HostAddresses(lookup)
    // The feature that has read the kind finds it.
    const find = kinds()[kind] as Find
    const finder = find(options, { upstream, folder, servers, lookup, hosts: (configs) => hosts.of(configs) })
    const source = new UpstreamSource({
      look: async () => onNetwork(await finder.look()),
      every,
      clock,
      log,
      upstream,
      from: finder.from,
      onChange: () => onChange(upstream),
      looked: (ok) => finder.looked?.(ok),
    })
    this.watched.set(key, { source, end: finder.watch?.(() => source.hint()) ?? (() => {}) })
    return source
  }

  private drop(key: string): void {
    const { end, source } = this.watched.get(key) as Watched
    end()
    source.close()
    this.watched.delete(key)
  }
}

/** What is found comes from files, name servers and plug-ins, which no fence judges: it leads to no file of this machine. */
function onNetwork(found: readonly FoundEndpoint[]): readonly FoundEndpoint[] {
  const socket = found.flatMap(({ addresses }) => addresses).find((address) => unixPath(address) !== undefined)
  if (socket === undefined) return found
  throw new Error(`${JSON.stringify(socket)}: sockets with a path stand in the config itself`)
}

function keyOf({ name, source }: UpstreamConfig): string {
  return JSON.stringify([name, source])
}
